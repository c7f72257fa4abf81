//! What is still there of a driver that could not be removed by its own package, and how to remove it by hand.

/// What to do about packages in the driver store, by their published names, and a service; nothing where there is neither.
pub(crate) fn left(published: &[String], has_service: bool) -> Option<String> {
    let remove = |name: &String| format!("pnputil /delete-driver {name} /uninstall");
    let remove: Vec<String> = published.iter().map(remove).collect();
    match (remove.is_empty(), has_service) {
        (true, false) => None,
        // Deleting the package takes the service along.
        (false, _) => Some(format!(
            "the driver store has the package: {}",
            remove.join(", ")
        )),
        (true, true) => Some(
            "the service is there and the driver store has no package: sc delete CloneGuard, and restart"
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::left;

    #[test]
    fn nothing_is_left_only_without_package_and_service() {
        assert_eq!(left(&[], false), None);
    }

    #[test]
    fn a_package_without_a_service_is_not_taken_for_one_that_never_was() {
        let names = ["oem3.inf".to_owned(), "oem12.inf".to_owned()];
        for has_service in [false, true] {
            let said = left(&names, has_service).unwrap();
            for name in &names {
                assert!(
                    said.contains(&format!("pnputil /delete-driver {name} /uninstall")),
                    "{said}"
                );
            }
        }
    }

    #[test]
    fn a_service_without_a_package_is_told_too() {
        let said = left(&[], true).unwrap();
        assert!(said.contains("sc delete CloneGuard"), "{said}");
    }
}
