//! Links of one document to another, and to its headings.

use std::collections::BTreeMap;

use super::{Document, Kind, documents, nothing, root};

/// Names a heading has as GitHub makes them: `## Who may come in` is `#who-may-come-in`; the second of a kind ends in `-1`.
fn anchors(document: &Document) -> Vec<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let headings = document.prose().filter(|line| line.text.starts_with('#'));
    headings
        .map(|line| {
            let title = line.text.trim_start_matches('#').trim().to_lowercase();
            let kept = title.chars().filter(|sign| sign.is_alphanumeric() || matches!(sign, ' ' | '-' | '_'));
            let name: String = kept.map(|sign| if sign == ' ' { '-' } else { sign }).collect();
            let before = seen.entry(name.clone()).or_insert(0);
            *before += 1;
            if *before == 1 { name } else { format!("{name}-{}", *before - 1) }
        })
        .collect()
}

#[test]
fn every_link_leads_somewhere() {
    let (mut wrong, mut links) = (Vec::new(), 0);
    for document in documents() {
        let folder = root().join(&document.name).parent().unwrap().to_owned();
        for line in document.lines.iter().filter(|line| line.kind == Kind::Prose) {
            for target in line.text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
                if target.contains("://") || target.starts_with("mailto:") {
                    continue;
                }
                links += 1;
                let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
                let file = if path.is_empty() { root().join(&document.name) } else { folder.join(path) };
                let Ok(file) = file.canonicalize() else {
                    wrong.push(format!("{}: {target} is not there", document.place(line)));
                    continue;
                };
                let name = file.strip_prefix(root().canonicalize().unwrap()).unwrap().to_str().unwrap().to_owned();
                if !anchor.is_empty() && !anchors(&Document::read(&name)).iter().any(|known| known == anchor) {
                    wrong.push(format!("{}: {name} has no heading #{anchor}", document.place(line)));
                }
            }
        }
    }
    assert!(links > 30, "only {links} links found");
    nothing(&wrong);
}

#[test]
fn a_word_is_explained_once() {
    let glossary = Document::read("docs/glossary.md");
    let rows = glossary.prose().filter(|line| line.text.starts_with("| "));
    let mut seen = BTreeMap::new();
    let mut wrong = Vec::new();
    for line in rows {
        let word = line.text.split('|').nth(1).unwrap().trim().to_owned();
        if let Some(first) = seen.insert(word.clone(), line.number) {
            wrong.push(format!("{}: '{word}' is explained in line {first}, too", glossary.place(line)));
        }
    }
    assert!(seen.len() > 30, "only {} words found", seen.len());
    nothing(&wrong);
}

#[test]
fn the_changelog_keeps_its_headings() {
    let changelog = Document::read("CHANGELOG.md");
    let mut wrong = Vec::new();
    let mut versions = 0;
    for line in changelog.prose().filter(|line| line.text.starts_with('#')) {
        let known = match line.text.split_once(' ') {
            Some(("#", "Changelog")) => true,
            Some(("##", title)) => {
                versions += 1;
                let released = title.strip_prefix('[').and_then(|rest| rest.split_once("] - "));
                let dated = released.is_some_and(|(version, date)| {
                    version.split('.').count() == 3 && date.parse::<jiff::civil::Date>().is_ok()
                });
                dated || (title == "[Unreleased]" && versions == 1)
            }
            Some(("###", kind)) => ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"].contains(&kind),
            _ => false,
        };
        if !known {
            wrong.push(format!("{}: '{}' is no heading of a changelog", changelog.place(line), line.text));
        }
    }
    assert!(versions > 0, "no version found");
    nothing(&wrong);
}
