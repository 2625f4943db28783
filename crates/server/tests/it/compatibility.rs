//! `COMPATIBILITY.md` against the tables that drive the server.

const PAGE: &str = include_str!("../../../../COMPATIBILITY.md");

/// The rows of the table of commands.
fn listed_commands() -> Vec<&'static str> {
    let section = PAGE.split("## Commands").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    section
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .map(|row| row.split('`').next().unwrap())
        .collect()
}

#[test]
fn every_command_is_listed_and_no_other() {
    let mut there: Vec<&str> = server::commands::COMMANDS
        .iter()
        .map(|command| command.name)
        .collect();
    there.sort_unstable();
    assert_eq!(listed_commands(), there);
}

#[test]
fn every_stage_and_expression_is_listed() {
    let names = query::pipeline::stage_names().chain(query::expression::operator_names());
    let missing: Vec<_> = names
        .filter(|name| !PAGE.contains(&format!("`{name}`")))
        .collect();
    assert!(missing.is_empty(), "not in COMPATIBILITY.md: {missing:?}");
}
