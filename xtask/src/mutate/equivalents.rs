//! Mutations that nobody can see, because they change nothing, each with the reason.

/// Name and reason.
pub(super) const EQUIVALENTS: [(&str, &str); 37] = [
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
        "policy/index/IndexedPolicy::fact/if-false",
        "only saves work: where no rule is filed there is none to find",
    ),
    (
        "policy/index/IndexedPolicy::fact/0-1",
        "only saves work: where no rule is filed there is none to find",
    ),
    (
        "policy/key/ends/left-alone#2",
        "only saves a key that as many rules have as the one before it, which is preferred",
    ),
    (
        "policy/key/Lengths::visit/if-true",
        "only saves work: with a length that no literal has nothing is found",
    ),
    (
        "policy/key/Lengths::visit/bitand-bitor",
        "only saves work: with a length that no literal has nothing is found",
    ),
    (
        "policy/key/Hash::FACTOR/0x517cc1b727220a95-0x517cc1b727220a94",
        "another hash, which finds the same rules",
    ),
    (
        "policy/key/Hash::FACTOR/0x517cc1b727220a95-0x517cc1b727220a96",
        "another hash, which finds the same rules",
    ),
    (
        "policy/key/Hash::FACTOR/0x517cc1b727220a95-0x517cc1b727220a97",
        "another hash, which finds the same rules",
    ),
    (
        "policy/key/Hash::of/0-1",
        "another hash, which finds the same rules",
    ),
    (
        "policy/key/Hash::with/5-4",
        "another hash, which finds the same rules",
    ),
    (
        "policy/key/Hash::with/5-6",
        "another hash, which finds the same rules",
    ),
    (
        "policy/key/Hash::tag/32-33",
        "another hash, which finds the same rules",
    ),
    (
        "policy/key/Hash::tag/0-1",
        "the upper half of 64 bits has 32",
    ),
    (
        "policy/slots/Directory::list/checked_sub-wrapping",
        "nothing lies before the first list, and nothing at the end of usize",
    ),
    (
        "policy/slots/frequency/0-1",
        "there is a bucket for every tag",
    ),
    (
        "policy/slots/frequency/0-1#2",
        "there is a bucket for every tag",
    ),
    (
        "policy/slots/other_hash/16-15",
        "another hash, as independent of the first",
    ),
    (
        "policy/slots/other_hash/16-17",
        "another hash, as independent of the first",
    ),
    (
        "policy/slots/filed/filter-dropped",
        "rules that are filed under nothing would lie in the first bucket too, and be found by no tag",
    ),
    (
        "policy/slots/bucket/0-1",
        "a policy has no more rules than fit usize",
    ),
    (
        "policy/slots/bucket/32-33",
        "only saves work: rules would lie in half of the buckets",
    ),
    (
        "policy/slots/bucket/0-1#2",
        "the upper half of 64 bits has 32",
    ),
    (
        "policy/slots/bucket_range/checked_sub-wrapping",
        "nothing lies before the first bucket, and nothing at the end of usize",
    ),
    (
        "policy/slots/bucket_range/1-2",
        "only saves work: the rules of the bucket before have other tags, and are left out by those",
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
