//! Which plan is chosen: `scenarios.json` says what `explain` shows.

use std::sync::Arc;

use bson::{Document, RawDocumentBuf};
use document::ErrorCode;
use query::filter::Matcher;
use query::plan::{Hint, IndexInfo, choose, explain};
use query::sort::SortSpec;
use serde::Deserialize;

/// Indexes, and what is chosen among them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    name: String,
    indexes: Vec<Index>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Index {
    key: Document,
    #[serde(default)]
    unique: bool,
    #[serde(default)]
    sparse: bool,
    #[serde(default)]
    hidden: bool,
    partial_filter: Option<Document>,
    /// The paths that led through arrays.
    #[serde(default)]
    multikey: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    filter: Document,
    sort: Option<Document>,
    hint: Option<bson::Bson>,
    /// The summary: `IXSCAN { a: 1 }`.
    plan: String,
    /// The bounds of the scan, as `explain` shows them.
    bounds: Option<Document>,
    /// `backward`, where it is that.
    direction: Option<String>,
    #[serde(default)]
    covered: bool,
    #[serde(default)]
    sorted: bool,
}

fn raw(document: &Document) -> RawDocumentBuf {
    RawDocumentBuf::try_from(document).unwrap()
}

fn matcher(filter: &Document) -> Matcher {
    Matcher::parse(&raw(filter)).unwrap()
}

/// The name that MongoDB gives: `a_1_b_-1`.
fn index(index: &Index) -> IndexInfo {
    let name: Vec<String> = index
        .key
        .iter()
        .map(|(path, direction)| format!("{path}_{direction}"))
        .collect();
    let key = IndexInfo::parse_key(&raw(&index.key)).unwrap();
    let multikey = key.iter().enumerate();
    IndexInfo {
        unique: index.unique,
        sparse: index.sparse,
        hidden: index.hidden,
        partial_filter: index
            .partial_filter
            .as_ref()
            .map(|filter| Arc::new(matcher(filter))),
        multikey_fields: multikey
            .filter(|(_, field)| index.multikey.contains(&field.path))
            .map(|(position, _)| 1 << position)
            .sum(),
        ..IndexInfo::new(name.join("_"), key)
    }
}

fn hint(hint: &bson::Bson) -> Option<Hint> {
    let holder = raw(&bson::doc! { "hint": hint });
    Hint::parse(holder.get("hint").unwrap().unwrap()).unwrap()
}

/// The first scan of an index in the stages.
fn scan(stage: &Document) -> Option<&Document> {
    if stage.get_str("stage").is_ok_and(|stage| stage == "IXSCAN") {
        return Some(stage);
    }
    if let Ok(input) = stage.get_document("inputStage") {
        return scan(input);
    }
    let inputs = stage.get_array("inputStages").ok()?;
    inputs.first()?.as_document().and_then(scan)
}

fn check(scenario: &Scenario, case: &Case) -> Result<(), String> {
    let indexes: Vec<IndexInfo> = scenario.indexes.iter().map(index).collect();
    let matcher = matcher(&case.filter);
    let sort = case
        .sort
        .as_ref()
        .map(|sort| SortSpec::parse(&raw(sort)).unwrap());
    let hint = case.hint.as_ref().and_then(hint);
    let plan = choose(&matcher, sort.as_ref(), &indexes, hint.as_ref())
        .map_err(|error| format!("refused: {error}"))?;
    let summary = explain::summary(&plan, &indexes);
    if summary != case.plan {
        return Err(format!("chose {summary}, expected {}", case.plan));
    }
    let stages = explain::winning_plan(&plan, &matcher, &indexes);
    let stages = Document::try_from(stages.as_ref()).unwrap();
    let scan = scan(&stages).unwrap_or(&stages);
    if let Some(bounds) = &case.bounds
        && scan.get_document("indexBounds").ok() != Some(bounds)
    {
        return Err(format!("shows {stages}, expected {bounds}"));
    }
    let direction = scan.get_str("direction").unwrap_or("forward");
    if direction != case.direction.as_deref().unwrap_or("forward") {
        return Err(format!("goes {direction}"));
    }
    if plan.filter_covered != case.covered {
        return Err(format!("covered: {}", plan.filter_covered));
    }
    if plan.sort_provided != (case.sorted || case.sort.is_none()) {
        return Err(format!("sorted: {}", plan.sort_provided));
    }
    Ok(())
}

#[test]
fn scenarios() {
    let scenarios: Vec<Scenario> = serde_json::from_str(include_str!("scenarios.json")).unwrap();
    let mut failures = Vec::new();
    for scenario in &scenarios {
        for case in &scenario.cases {
            if let Err(failure) = check(scenario, case) {
                failures.push(format!("{}: {}\n    {failure}", scenario.name, case.filter));
            }
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

#[test]
fn a_hint_to_no_index_is_refused() {
    let indexes = [index(&Index {
        key: bson::doc! { "a": 1 },
        unique: false,
        sparse: false,
        hidden: false,
        partial_filter: Some(bson::doc! { "a": { "$gt": 5 } }),
        multikey: Vec::new(),
    })];
    let code = |wanted: bson::Bson, filter: Document| {
        choose(&matcher(&filter), None, &indexes, hint(&wanted).as_ref())
            .map(|_| ())
            .map_err(|error| error.code)
    };
    assert_eq!(code("nope".into(), bson::doc! {}), Err(ErrorCode::BadValue));
    assert_eq!(
        code(bson::bson!({ "a": -1 }), bson::doc! {}),
        Err(ErrorCode::BadValue)
    );
    assert_eq!(
        code("a_1".into(), bson::doc! {}),
        Err(ErrorCode::NoQueryExecutionPlans)
    );
    assert_eq!(code("a_1".into(), bson::doc! { "a": 6 }), Ok(()));
    assert_eq!(code("_id_".into(), bson::doc! {}), Ok(()));
    let holder = raw(&bson::doc! { "hint": 1 });
    let error = Hint::parse(holder.get("hint").unwrap().unwrap()).unwrap_err();
    assert_eq!(error.code, ErrorCode::FailedToParse);
}

#[test]
fn key_patterns_are_checked() {
    for key in [
        bson::doc! {},
        bson::doc! { "a": 0 },
        bson::doc! { "a": "text" },
        bson::doc! { "a": f64::NAN },
    ] {
        let error = IndexInfo::parse_key(&raw(&key)).unwrap_err();
        assert_eq!(error.code, ErrorCode::CannotCreateIndex, "{key}");
    }
}

/// Filters as large as a message must not take the planner more than moments: an `$or` of many
/// branches beside many conditions.
#[test]
fn large_filters_are_planned() {
    let branches: Vec<Document> = (0..2_000).map(|n| bson::doc! { "a": n, "b": n }).collect();
    let mut filter = bson::doc! { "$or": branches };
    for n in 0..2_000 {
        filter.insert(format!("f{n}"), n);
    }
    let indexes = [index(&Index {
        key: bson::doc! { "a": 1 },
        unique: false,
        sparse: false,
        hidden: false,
        partial_filter: None,
        multikey: Vec::new(),
    })];
    let plan = choose(&matcher(&filter), None, &indexes, None).unwrap();
    assert_eq!(explain::summary(&plan, &indexes), "COLLSCAN");
}
