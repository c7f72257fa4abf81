//! The program `testbed soak`, for a moment: long soaks are for people.

use super::{Ended, Scratch, image, testbed};

#[test]
fn everything_at_once() {
    let Some(image) = image() else {
        return;
    };
    let scratch = Scratch::new();
    let output = testbed()
        .arg("soak")
        .arg("--image")
        .arg(image)
        .args(["--seconds", "4", "--seed", "7"])
        .arg("--journal")
        .arg(scratch.path("journal"))
        .output();
    let ended = Ended::new(output.expect("the program runs"));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for part in [
        "Seed 7",
        "Journal: ",
        "Beside the load: ",
        "nothing has grown.",
    ] {
        assert!(ended.out.contains(part), "no {part:?} in {}", ended.out);
    }
}
