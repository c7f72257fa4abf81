//! An INF file that has one range of another, and that for all versions of Windows.

use driver_package::install::{INSTALL, Range, UNINSTALL};

/// The text without other sections to install, and without any to uninstall; the one that stays loses its build.
pub(super) fn only(inf: &str, range: &Range) -> String {
    let mut text = String::new();
    let mut is_kept = true;
    for line in inf.lines() {
        let name = line
            .trim()
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        let Some(name) = name else {
            if is_kept {
                push(&mut text, line);
            }
            continue;
        };
        let own = name
            .strip_prefix(range.section.as_str())
            .filter(|rest| rest.is_empty() || *rest == ".Services");
        is_kept = own.is_some() || !(name.starts_with(INSTALL) || name.starts_with(UNINSTALL));
        match (own, &range.architecture) {
            (Some(rest), Some(architecture)) => {
                push(&mut text, &format!("[{INSTALL}.NT{architecture}{rest}]"));
            }
            _ if is_kept => push(&mut text, line),
            _ => {}
        }
    }
    text
}

fn push(text: &mut String, line: &str) {
    text.push_str(line);
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_is_left_alone() {
        let inf = "[Version]\na=1\n[DefaultInstall.NTamd64.10.0...25952]\nb=2\n\
            [DefaultInstall.NTamd64.10.0...25952.Services]\nc=3\n[DefaultInstall.NTamd64]\nd=4\n\
            [DefaultInstall.NTamd64.Services]\ne=5\n[DefaultUninstall.NTamd64]\nf=6\n[Strings]\ng=7\n";
        let range = |section: &str| Range {
            section: section.to_owned(),
            architecture: Some("amd64".to_owned()),
            build: None,
        };
        let newer = only(inf, &range("DefaultInstall.NTamd64.10.0...25952"));
        assert_eq!(
            newer.replace("\r\n", "\n"),
            "[Version]\na=1\n[DefaultInstall.NTamd64]\nb=2\n[DefaultInstall.NTamd64.Services]\nc=3\n\
             [Strings]\ng=7\n"
        );
        let older = only(inf, &range("DefaultInstall.NTamd64"));
        assert_eq!(
            older.replace("\r\n", "\n"),
            "[Version]\na=1\n[DefaultInstall.NTamd64]\nd=4\n[DefaultInstall.NTamd64.Services]\ne=5\n\
             [Strings]\ng=7\n"
        );
    }
}
