//! The lines of what the driver tells of itself, and of many requests together.

use cloneguard::Entry;
use cloneguard::table::Layout;
use wire::Record;

/// The line of frozen bytes on a wide screen, its blanks made single.
fn line(bytes: &[u8]) -> String {
    let entry = Entry::new([0; 16], &Record::parse(bytes).unwrap());
    let row = Layout::new(300).row(&entry);
    row.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The frozen bytes of a record.
macro_rules! golden {
    ($name:literal) => {
        include_bytes!(concat!("../../../wire/tests/golden/record-", $name, ".bin"))
    };
}

#[test]
#[expect(clippy::too_many_lines, reason = "a case for each kind")]
fn each_kind_has_its_sentence() {
    let counts = "50 seen, 40 completed, 3 failed, 2 refused, 4 in flight; \
                  records: 38 delivered, 45 lost, 7 held";
    let cases: [(&[u8], String); 13] = [
        (
            golden!("policy"),
            "44 policy faulty, value (10) at byte 66; in force: 1230066625199609624 (enforce)"
                .into(),
        ),
        (
            golden!("policy-unreadable"),
            "45 policy unreadable, OBJECT_NAME_NOT_FOUND; in force: 0 (observe)".into(),
        ),
        (
            golden!("started"),
            "1 driver 1.2.3.4 started after an unclean stop that took 17 records or more with it; \
             policy in force: 1230066625199609624 (enforce)"
                .into(),
        ),
        (
            golden!("started-shutdown"),
            "1 driver 1.2.3.4 started after a shutdown of the machine that took 17 records or more with it; \
             policy in force: 1230066625199609624 (enforce)"
                .into(),
        ),
        (golden!("stopping"), format!("90 driver stops: {counts}")),
        (
            golden!("volume-attached"),
            r"2 volume \Device\HarddiskVolume7 attached: refs, clusters of 64K, Dev Drive".into(),
        ),
        (
            golden!("volume-not-attached"),
            r"3 volume \Device\HarddiskVolume7 not attached: declined, INSUFFICIENT_RESOURCES"
                .into(),
        ),
        (
            golden!("consumer"),
            "46 consumer cloneguard.exe:77 refused: SHARING_VIOLATION; it has records through 40"
                .into(),
        ),
        (
            golden!("heartbeat"),
            format!("47 running for 60 s: {counts}"),
        ),
        (
            golden!("gap"),
            "48 45 records lost: 6 routine, 15 findings, 24 of the driver itself; \
             12 requests refused for it"
                .into(),
        ),
        (
            golden!("ended"),
            "50 request 2387509390608836393 ended at last: PENDING after 12.345 s".into(),
        ),
        (
            golden!("unknown"),
            "51 a record of kind 200, which this build does not know".into(),
        ),
        (
            golden!("summary"),
            r"49 copy.exe:4321 V4:\data -> V4:\copy 11× 8M passed - 3 not".into(),
        ),
    ];
    for (bytes, expected) in cases {
        let row = line(bytes);
        let time = " 22:33:48.944";
        assert_eq!(row.strip_suffix(time), Some(expected.as_str()), "{row}");
    }
}

#[test]
fn a_sentence_is_cut_before_the_time() {
    let entry = Entry::new([0; 16], &Record::parse(golden!("heartbeat")).unwrap());
    for width in [100, 120, 160] {
        let layout = Layout::new(width);
        let row = layout.row(&entry);
        let column = layout.header().find("TIME").unwrap();
        let time: String = row.chars().skip(column).collect();
        assert!(time.starts_with("22:33:48"), "{row}");
        assert!(row.chars().count() <= width, "{row}");
    }
}
