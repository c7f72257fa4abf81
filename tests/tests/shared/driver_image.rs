//! Where the tests of the stages with the driver find it.

use std::ffi::OsStr;

use conformance::stages::{CannotRun, find_image};

/// Whether there is an image. Without one the test says so and passes, unless
/// `CLONEGUARD_REQUIRE_REFEREES` is 1.
pub(crate) fn is_there() -> bool {
    let found = find_image(None).map(drop);
    let required = std::env::var_os("CLONEGUARD_REQUIRE_REFEREES");
    judge(found, required.as_deref())
}

fn judge(found: Result<(), CannotRun>, required: Option<&OsStr>) -> bool {
    let Err(CannotRun(why)) = found else {
        return true;
    };
    let is_required = required.is_some_and(|value| value == "1");
    assert!(!is_required, "CLONEGUARD_REQUIRE_REFEREES=1, but {why}");
    println!("not run: {why}");
    false
}

#[test]
fn an_image_is_missed_where_it_is_required_and_nowhere_else() {
    let missing = || Err(CannotRun("there is none".to_owned()));
    for required in [None, Some(""), Some("0")] {
        assert!(!judge(missing(), required.map(OsStr::new)), "{required:?}");
    }
    let demanded = std::panic::catch_unwind(|| judge(missing(), Some(OsStr::new("1"))));
    assert!(demanded.is_err());
    assert!(judge(Ok(()), Some(OsStr::new("1"))));
}
