//! Arithmetic on offsets against arithmetic in 128 bits, where nothing can wrap.

use guard::{ClusterSize, Extent, ExtentError};
use proptest::prelude::*;

/// Numbers near the edges of the signed 64-bit range and of clusters, and any others.
fn edge() -> impl Strategy<Value = i64> {
    prop_oneof![
        any::<i64>(),
        (-3_i64..=3).prop_map(|near| near),
        (0_i64..=3).prop_map(|near| i64::MAX - near),
        (0_i64..=3).prop_map(|near| i64::MIN + near),
        (-3_i64..=3, 0_u32..63).prop_map(|(near, shift)| (1_i64 << shift) + near),
    ]
}

proptest! {
    #[test]
    fn a_range_is_what_wide_arithmetic_says(offset in edge(), byte_count in edge()) {
        let end = i128::from(offset) + i128::from(byte_count);
        let extent = Extent::try_new(offset, byte_count);
        if offset < 0 {
            prop_assert_eq!(extent, Err(ExtentError::NegativeOffset));
        } else if byte_count < 0 {
            prop_assert_eq!(extent, Err(ExtentError::NegativeCount));
        } else if end > i128::from(i64::MAX) {
            prop_assert_eq!(extent, Err(ExtentError::Overflow));
        } else {
            let extent = extent.unwrap();
            prop_assert_eq!(extent.offset(), offset);
            prop_assert_eq!(i128::from(extent.end()), end);
            prop_assert_eq!(extent.byte_count(), byte_count);
        }
    }

    #[test]
    fn divides_is_the_remainder(value in edge(), shift in 9_u32..=21) {
        let cluster = ClusterSize::try_new(1 << shift).unwrap();
        let remainder = i128::from(value) % i128::from(cluster.get());
        prop_assert_eq!(cluster.divides(value), remainder == 0);
    }

    #[test]
    fn rounding_up_gives_the_next_multiple(value in edge(), shift in 9_u32..=21) {
        let cluster = ClusterSize::try_new(1 << shift).unwrap();
        let size = 1_i128 << shift;
        let up = (i128::from(value) + size - 1) / size * size;
        let legal = value >= 0 && up <= i128::from(i64::MAX);
        prop_assert_eq!(cluster.round_up(value).map(i128::from), legal.then_some(up));
    }

    #[test]
    fn a_range_is_aligned_if_both_numbers_are(
        offset in 0_i64..0x40_0000, byte_count in 0_i64..0x40_0000, shift in 9_u32..=21,
    ) {
        let size = 1_i64 << shift;
        let cluster = ClusterSize::try_new(1 << shift).unwrap();
        let extent = Extent::try_new(offset, byte_count).unwrap();
        prop_assert_eq!(extent.is_aligned(cluster), offset % size == 0 && byte_count % size == 0);
        let down = Extent::try_new(offset - offset % size, byte_count - byte_count % size).unwrap();
        prop_assert!(down.is_aligned(cluster));
    }

    #[test]
    fn a_cluster_size_is_a_power_of_two_in_bounds(byte_count in any::<u32>()) {
        let legal = (9..=21).any(|shift| byte_count == 1 << shift);
        prop_assert_eq!(ClusterSize::try_new(byte_count).is_some(), legal);
    }
}

#[test]
fn cluster_size_bounds_are_exact() {
    for (byte_count, legal) in [
        (0, false),
        (256, false),
        (512, true),
        (513, false),
        (0x20_0000, true),
        (0x40_0000, false),
    ] {
        assert_eq!(
            ClusterSize::try_new(byte_count).is_some(),
            legal,
            "{byte_count}"
        );
    }
}

#[test]
fn rounding_up_keeps_zero_and_refuses_what_is_below_and_what_has_no_multiple() {
    let cluster = ClusterSize::try_new(512).unwrap();
    let last = i64::MAX - 511;
    for (value, up) in [
        (-512, None),
        (-1, None),
        (0, Some(0)),
        (1, Some(512)),
        (512, Some(512)),
        (last, Some(last)),
        (last + 1, None),
    ] {
        assert_eq!(cluster.round_up(value), up, "{value}");
    }
}

#[test]
fn a_range_is_aligned_at_both_ends() {
    let cluster = ClusterSize::try_new(512).unwrap();
    for (offset, byte_count, aligned) in [
        (0, 0, true),
        (512, 1024, true),
        (512, 1, false),
        (1, 511, false),
        (1, 1, false),
    ] {
        let extent = Extent::try_new(offset, byte_count).unwrap();
        assert_eq!(extent.is_aligned(cluster), aligned, "{extent:?}");
    }
}

#[test]
fn ranges_overlap_where_a_byte_lies_in_both() {
    let of = |offset, byte_count| Extent::try_new(offset, byte_count).unwrap();
    for (one, other, shares) in [
        (of(0, 2), of(2, 2), false),
        (of(0, 3), of(2, 2), true),
        (of(0, 8), of(2, 2), true),
        (of(0, 0), of(0, 0), false),
    ] {
        assert_eq!(one.overlaps(other), shares, "{one:?} {other:?}");
        assert_eq!(other.overlaps(one), shares, "{other:?} {one:?}");
    }
}

#[test]
fn a_cluster_size_from_sectors_does_not_wrap() {
    assert_eq!(
        ClusterSize::from_sectors(8, 512),
        ClusterSize::try_new(4096)
    );
    assert_eq!(ClusterSize::from_sectors(1 << 20, (1 << 12) + 1), None);
    assert_eq!(ClusterSize::from_sectors(0, 512), None);
}

#[test]
fn a_range_may_end_at_the_very_last_byte() {
    assert_eq!(
        Extent::try_new(i64::MAX - 1, 1).map(Extent::end),
        Ok(i64::MAX)
    );
    assert_eq!(Extent::try_new(i64::MAX, 1), Err(ExtentError::Overflow));
    assert_eq!(Extent::try_new(i64::MAX, 0).map(Extent::byte_count), Ok(0));
}
