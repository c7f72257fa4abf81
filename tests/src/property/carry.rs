//! How a request travels, said to the test-bed.

use testbed::io::{MinorFunction, PostOperation, RequestOptions};
use testbed::status::STATUS_FLT_INVALID_NAME_REQUEST;

use super::script::{Carriage, Length, Minor, Request};

/// The length that a driver claims without a buffer; programs cannot.
pub(super) const fn claimed(request: &Request) -> Option<u32> {
    match request.length {
        Length::Claimed(length) if request.who.is_kernel() => Some(length),
        Length::Claimed(_) | Length::Exact | Length::Of(_) | Length::Null => None,
    }
}

/// The carriage in the words of the test-bed.
pub(super) fn options(carriage: Carriage, claimed: Option<u32>) -> RequestOptions {
    let post = if carriage.at_dispatch {
        PostOperation::OtherThreadAtDispatch
    } else {
        PostOperation::SameThread
    };
    let when = |on: bool, set: fn(RequestOptions) -> RequestOptions, options| {
        if on { set(options) } else { options }
    };
    let mut options = RequestOptions::default().post(post);
    options = when(carriage.at_apc, RequestOptions::at_apc_level, options);
    options = when(carriage.posted, RequestOptions::posted, options);
    options = when(carriage.top_level, RequestOptions::top_level_irp, options);
    options = when(
        carriage.writable,
        RequestOptions::writable_system_buffer,
        options,
    );
    if carriage.nameless {
        options = options.names_fail(STATUS_FLT_INVALID_NAME_REQUEST);
    }
    if let Some(length) = claimed {
        options = options.claimed_input(length);
    }
    match carriage.minor {
        Minor::Usual => options,
        Minor::KernelCall => options.minor(MinorFunction::KernelCall),
        Minor::VerifyVolume => options.minor(MinorFunction::VerifyVolume),
    }
}
