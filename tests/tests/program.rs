//! The program: its formats, its errors, its exit statuses.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::process::{Command, Output};

fn conformance(arguments: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_conformance"));
    program.args(arguments).output().expect("the program runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

#[test]
fn the_list_is_text_or_json() {
    let listed = text(&conformance(&["list"]).stdout);
    assert_eq!(listed.lines().count(), conformance::cases::all().count());
    let json = conformance(&["list", "--json", "--case", "alignment.*"]).stdout;
    let cases: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
    let cases = cases.as_array().expect("a list");
    assert!(cases.len() > 10 && cases.len() < 30, "{}", cases.len());
    let first = &cases[0];
    assert_eq!(first["id"], "alignment.source-one");
    assert_eq!(first["rules"], serde_json::json!([20]));
    assert_eq!(first["expect"]["verdicts"]["enforce"], "refused");
    assert_eq!(first["confidence"], "documented");
    assert_eq!(first["disputed"], serde_json::Value::Null);
}

#[test]
fn the_list_says_what_a_case_hangs_on_and_what_only_the_test_bed_can_do() {
    let named = [
        "list",
        "--case",
        "dispute.overlap-allowed",
        "--case",
        "limit.once-more",
    ];
    let listed = text(&conformance(&named).stdout);
    let lines: Vec<&str> = listed.lines().collect();
    assert!(
        lines[0].contains("[disputed: accounting = Exact]"),
        "{listed}"
    );
    assert!(lines[0].ends_with("[test-bed only]"), "{listed}");
    assert!(
        lines[1].ends_with("[disputed: overlap = Allowed]"),
        "{listed}"
    );
    let json = conformance(&[&named[..], &["--json"]].concat()).stdout;
    let cases: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
    assert_eq!(cases[0]["is_for_the_test_bed"], true);
    let side = serde_json::json!([{ "switch": "overlap", "value": "Allowed" }]);
    assert_eq!(cases[1]["disputed"], side);
}

#[test]
fn a_run_is_reported_as_text_json_and_junit() {
    let run = |format| {
        let arguments = [
            "run",
            "--stage",
            "bare",
            "--case",
            "target-volume.*",
            "--format",
            format,
        ];
        let output = conformance(&arguments);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let words = run("text");
    assert!(
        words.contains("skipped target-volume.fat [plain]: "),
        "{words}"
    );
    assert!(words.contains("\nbare "), "{words}");
    let json: serde_json::Value = serde_json::from_str(&run("json")).expect("JSON");
    let stage = &json["stages"][0];
    assert_eq!(
        (&stage["stage"], &stage["counts"]["failed"]),
        (&"bare".into(), &0.into())
    );
    let report = quick_junit::Report::deserialize_from_str(&run("junit")).expect("JUnit XML");
    let suite = &report.test_suites[0];
    assert_eq!((suite.name.as_str(), suite.failures), ("bare", 0));
    assert_eq!(Some(suite.tests), stage["cases"].as_array().map(Vec::len));
    let is_skipped = |row: &&quick_junit::TestCase| {
        matches!(row.status, quick_junit::TestCaseStatus::Skipped { .. })
    };
    let skipped = suite.test_cases.iter().filter(is_skipped).count();
    assert_eq!(stage["counts"]["skipped"], skipped);
    assert!(skipped > 0);
}

#[test]
fn a_report_goes_to_a_file_when_told_so() {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("report.json");
    let path = path.to_str().expect("a name");
    let arguments = [
        "run",
        "--stage",
        "bare",
        "--case",
        "flags.atomic",
        "--format",
        "json",
    ];
    let output = conformance(&[&arguments[..], &["--output", path]].concat());
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0));
    let written = std::fs::read(path).expect("written");
    serde_json::from_slice::<serde_json::Value>(&written).expect("JSON");
}

#[test]
fn what_does_not_exist_is_named_with_its_neighbours() {
    for (arguments, near) in [
        (["run", "--case", "structure.emty"], "structure.empty"),
        (["run", "--stage", "obsrve"], "observe"),
        (
            ["list", "--case", "zero.nothing-hapens"],
            "zero.nothing-happens",
        ),
    ] {
        let output = conformance(&arguments);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(
            error.contains(arguments[2]) && error.contains(near),
            "{error}"
        );
    }
}

#[test]
fn a_stage_without_an_image_cannot_run() {
    let missing = ["run", "--stage", "observe", "--image", "no-such-file.sys"];
    let output = conformance(&missing);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{error}");
    assert!(
        error.contains("stage observe") && error.contains("no-such-file.sys"),
        "{error}"
    );
}

#[test]
fn what_the_stages_before_showed_is_reported_even_if_one_cannot_run() {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("stopped.json");
    let file = path.to_str().expect("a name");
    let stages = [
        "run",
        "--stage",
        "bare",
        "--stage",
        "observe",
        "--image",
        "no-such-file.sys",
    ];
    let run = |more: &[&str]| {
        let output = conformance(&[&stages[..], &["--case", "target-volume.fat"], more].concat());
        assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let words = run(&[]);
    assert!(
        words.contains("\nskipped target-volume.fat [plain]: "),
        "{words}"
    );
    assert!(words.contains("\nbare "), "{words}");
    let is_bare = |json: &str| {
        let json: serde_json::Value = serde_json::from_str(json).expect("JSON");
        assert_eq!(json["stages"].as_array().map(Vec::len), Some(1));
        assert_eq!(json["stages"][0]["stage"], "bare");
    };
    is_bare(&run(&["--format", "json"]));
    assert_eq!(run(&["--format", "json", "--output", file]), "");
    is_bare(&std::fs::read_to_string(&path).expect("written"));
}

#[test]
fn a_dry_run_checks_the_names_and_needs_no_driver() {
    let run = ["run", "--dry-run", "--image", "no-such-file.sys"];
    let output = conformance(&run);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0));
    let output = conformance(&[&run[..], &["--case", "structure.emty"]].concat());
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
}

#[test]
fn a_report_that_cannot_be_written_is_an_error() {
    let arguments = ["run", "--stage", "bare", "--case", "flags.atomic"];
    let output = conformance(&[&arguments[..], &["--output", "/no/such/folder/report"]].concat());
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
}
