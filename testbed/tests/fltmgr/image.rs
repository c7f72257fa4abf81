//! The test image of these tests.

#[path = "../shared/test_image.rs"]
mod test_image;

use test_image::TestImage;

/// Compiles `tests/images/filter.rs` with `flags`; `None` where it cannot be compiled.
pub(crate) fn filter(flags: &[&str]) -> Option<TestImage> {
    test_image::compile("filter", flags)
}
