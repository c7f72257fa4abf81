//! Mutations that nobody can see, because they change nothing, each with the reason.

/// Name and reason.
pub(super) const EQUIVALENTS: [(&str, &str); 13] = [
    (
        "extent/ClusterSize::try_new/512-511",
        "a cluster size is a power of two, and 511 is none",
    ),
    (
        "extent/ClusterSize::try_new/0x200000-0x200001",
        "a cluster size is a power of two, and 0x20_0001 is none",
    ),
    (
        "facts/FileFacts::has_integrity/ne-eq",
        "it is only asked whether two files differ in it, and they differ in the opposite as well",
    ),
    (
        "rules/Subject::numbers_decide/is_some_and-is_none_or",
        "without a claim no rule about its numbers fires, so nobody looks at the answer",
    ),
    (
        "policy/glob/Search::wanted/checked_add-wrapping",
        "no pattern is so long that a place in it is near the end of usize",
    ),
    (
        "policy/glob/Search::go_back/is_some_and-is_none_or",
        "one goes back from a unit of the name, and no star lies behind it, so there is a unit",
    ),
    (
        "policy/glob/Search::go_back/DiffersAtEnd-On",
        "never reached: the star stands before a separator, which is not before the run",
    ),
    (
        "policy/glob/Search::go_back/DiffersAtEnd-Fits",
        "never reached: the star stands before a separator, which is not before the run",
    ),
    (
        "policy/candidates/Candidates::new/All-Kind",
        "a run at which no rule stands is never looked at",
    ),
    (
        "policy/candidates/Candidates::new/0-1",
        "a run at which no rule stands is never looked at",
    ),
    (
        "policy/candidates/Candidates::new/0-1#2",
        "a run at which no rule stands is never looked at",
    ),
    (
        "policy/decide/statement-dropped#2",
        "only saves work: rules with the effect of one that was passed over, if they may match, change nothing",
    ),
    (
        "verdict/first/if-false",
        "only saves work: of no rule that is not in the set the table finds none either",
    ),
];

/// Why a mutation changes nothing, if it is on the list.
pub(super) fn reason(name: &str) -> Option<&'static str> {
    let mut list = EQUIVALENTS.iter();
    list.find(|(listed, _)| *listed == name)
        .map(|(_, reason)| *reason)
}
