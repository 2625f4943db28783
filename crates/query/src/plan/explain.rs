//! How a plan is shown: the `winningPlan` of `explain`, and the summary of a log line.
//!
//! Stages and fields are those of the manual's page "Explain Results".

use std::fmt::Write as _;
use std::ops::Bound;

use bson::raw::RawBson;
use bson::{RawArrayBuf, RawBsonRef, RawDocumentBuf, rawdoc};

use super::{Access, Direction, IndexInfo, IndexScan, Interval, Plan};
use crate::filter::Matcher;
use crate::sort;

/// The stages of `plan` as `winningPlan` shows them; what sorts, skips, limits and projects stands
/// around it.
pub fn winning_plan(plan: &Plan, matcher: &Matcher, indexes: &[IndexInfo]) -> RawDocumentBuf {
    let filter = (!plan.filter_covered).then(|| matcher.source().to_owned());
    match &plan.access {
        Access::Nothing => rawdoc! { "stage": "EOF" },
        Access::CollectionScan { direction } => {
            let mut stage = rawdoc! { "stage": "COLLSCAN" };
            if let Some(filter) = filter {
                stage.append(bson::raw::cstr!("filter"), filter);
            }
            stage.append(bson::raw::cstr!("direction"), direction_name(*direction));
            stage
        }
        Access::IdLookup { values } if values.len() == 1 && plan.filter_covered => {
            rawdoc! { "stage": "IDHACK", "keyPattern": { "_id": 1 }, "indexName": "_id_" }
        }
        access => fetch(stage_of(access, indexes), filter),
    }
}

/// The plan in one line, as `planSummary` in logs: `IXSCAN { a: 1, b: -1 }`.
pub fn summary(plan: &Plan, indexes: &[IndexInfo]) -> String {
    summary_of(&plan.access, plan.filter_covered, indexes)
}

fn summary_of(access: &Access, filter_covered: bool, indexes: &[IndexInfo]) -> String {
    match access {
        Access::Nothing => "EOF".to_owned(),
        Access::CollectionScan { .. } => "COLLSCAN".to_owned(),
        Access::IdLookup { values } if values.len() == 1 && filter_covered => "IDHACK".to_owned(),
        Access::IdLookup { .. } | Access::IdRange { .. } => "IXSCAN { _id: 1 }".to_owned(),
        Access::IndexScan(scan) => {
            let key = indexes
                .get(scan.index)
                .map(|index| show(RawBsonRef::Document(&key_pattern(index))));
            format!("IXSCAN {}", key.as_deref().unwrap_or(&scan.name))
        }
        Access::Union(accesses) => accesses
            .iter()
            .map(|access| summary_of(access, false, indexes))
            .collect::<Vec<_>>()
            .join(", "),
    }
}

fn fetch(input: RawDocumentBuf, filter: Option<RawDocumentBuf>) -> RawDocumentBuf {
    let mut stage = rawdoc! { "stage": "FETCH" };
    if let Some(filter) = filter {
        stage.append(bson::raw::cstr!("filter"), filter);
    }
    stage.append(bson::raw::cstr!("inputStage"), input);
    stage
}

fn stage_of(access: &Access, indexes: &[IndexInfo]) -> RawDocumentBuf {
    match access {
        Access::Nothing => rawdoc! { "stage": "EOF" },
        Access::CollectionScan { direction } => {
            rawdoc! { "stage": "COLLSCAN", "direction": direction_name(*direction) }
        }
        Access::IdLookup { values } => {
            let points: Vec<Interval> = values.iter().cloned().map(Interval::point).collect();
            id_scan(&points, Direction::Forward)
        }
        Access::IdRange {
            intervals,
            direction,
        } => id_scan(intervals, *direction),
        Access::IndexScan(scan) => index_scan(scan, indexes),
        Access::Union(accesses) => {
            let mut inputs = RawArrayBuf::new();
            for access in accesses {
                inputs.push(stage_of(access, indexes));
            }
            rawdoc! { "stage": "OR", "inputStages": inputs }
        }
    }
}

fn id_scan(intervals: &[Interval], direction: Direction) -> RawDocumentBuf {
    rawdoc! {
        "stage": "IXSCAN",
        "keyPattern": { "_id": 1 },
        "indexName": "_id_",
        "isMultiKey": false,
        "isUnique": true,
        "isSparse": false,
        "isPartial": false,
        "indexVersion": 2,
        "direction": direction_name(direction),
        "indexBounds": { "_id": show_intervals(intervals, direction == Direction::Backward) },
    }
}

fn index_scan(scan: &IndexScan, indexes: &[IndexInfo]) -> RawDocumentBuf {
    let Some(index) = indexes.get(scan.index) else {
        return rawdoc! { "stage": "IXSCAN", "indexName": scan.name.as_str() };
    };
    let mut multikey_paths = RawDocumentBuf::new();
    let mut bounds = RawDocumentBuf::new();
    for (position, field) in index.key.iter().enumerate() {
        let downward = (field.direction == sort::Direction::Descending)
            != (scan.direction == Direction::Backward);
        let intervals = scan.bounds.get(position).map_or(&[][..], Vec::as_slice);
        append(
            &mut bounds,
            &field.path,
            show_intervals(intervals, downward),
        );
        let mut paths = RawArrayBuf::new();
        if index.is_multikey_field(position) {
            paths.push(field.path.as_str());
        }
        append(&mut multikey_paths, &field.path, paths);
    }
    rawdoc! {
        "stage": "IXSCAN",
        "keyPattern": key_pattern(index),
        "indexName": scan.name.as_str(),
        "isMultiKey": scan.multikey,
        "multiKeyPaths": multikey_paths,
        "isUnique": index.unique,
        "isSparse": index.sparse,
        "isPartial": index.partial_filter.is_some(),
        "indexVersion": 2,
        "direction": direction_name(scan.direction),
        "indexBounds": bounds,
    }
}

fn key_pattern(index: &IndexInfo) -> RawDocumentBuf {
    let mut pattern = RawDocumentBuf::new();
    for field in &index.key {
        append(&mut pattern, &field.path, field.direction.as_i32());
    }
    pattern
}

/// Field names of key patterns come from documents: they hold no null bytes.
fn append(document: &mut RawDocumentBuf, name: &str, value: impl Into<RawBson>) {
    if let Ok(name) = <&bson::raw::CStr>::try_from(name) {
        document.append(name, value.into());
    }
}

fn direction_name(direction: Direction) -> &'static str {
    match direction {
        Direction::Forward => "forward",
        Direction::Backward => "backward",
    }
}

/// The intervals in the order in which the scan meets them.
fn show_intervals(intervals: &[Interval], downward: bool) -> RawArrayBuf {
    let mut shown: Vec<String> = intervals
        .iter()
        .map(|interval| show_interval(interval, downward))
        .collect();
    if downward {
        shown.reverse();
    }
    let mut array = RawArrayBuf::new();
    for interval in shown {
        array.push(interval);
    }
    array
}

fn show_interval(interval: &Interval, downward: bool) -> String {
    let end = |bound: &Bound<RawBson>, open: &str| match bound {
        Bound::Unbounded => (true, open.to_owned()),
        Bound::Included(value) => (true, show(value.as_raw_bson_ref())),
        Bound::Excluded(value) => (false, show(value.as_raw_bson_ref())),
    };
    let low = end(&interval.low, "MinKey");
    let high = end(&interval.high, "MaxKey");
    let (from, to) = if downward { (high, low) } else { (low, high) };
    format!(
        "{}{}, {}{}",
        if from.0 { '[' } else { '(' },
        from.1,
        to.1,
        if to.0 { ']' } else { ')' }
    )
}

/// A value in the shell's notation.
fn show(value: RawBsonRef<'_>) -> String {
    use RawBsonRef as B;
    match value {
        B::Double(number) => show_double(number),
        B::Int32(number) => number.to_string(),
        B::Int64(number) => number.to_string(),
        B::Decimal128(number) => number.to_string(),
        B::String(text) | B::Symbol(text) => format!("\"{text}\""),
        B::Document(document) if document.is_empty() => "{}".to_owned(),
        B::Document(document) => {
            let fields: Vec<String> = document
                .iter()
                .map_while(Result::ok)
                .map(|(name, value)| format!("{}: {}", name.as_str(), show(value)))
                .collect();
            format!("{{ {} }}", fields.join(", "))
        }
        B::Array(array) if array.is_empty() => "[]".to_owned(),
        B::Array(array) => {
            let values: Vec<String> = array.into_iter().map_while(Result::ok).map(show).collect();
            format!("[ {} ]", values.join(", "))
        }
        B::Binary(binary) => {
            let mut hex = String::with_capacity(binary.bytes.len() * 2);
            for byte in binary.bytes {
                // Writing to a string does not fail.
                let _ = write!(hex, "{byte:02X}");
            }
            format!("BinData({}, {hex})", u8::from(binary.subtype))
        }
        B::ObjectId(id) => format!("ObjectId('{id}')"),
        B::Boolean(value) => value.to_string(),
        B::DateTime(date) => format!("new Date({})", date.timestamp_millis()),
        B::Timestamp(timestamp) => {
            format!("Timestamp({}, {})", timestamp.time, timestamp.increment)
        }
        B::RegularExpression(regex) => {
            format!("/{}/{}", regex.pattern.as_str(), regex.options.as_str())
        }
        B::Null => "null".to_owned(),
        B::Undefined => "undefined".to_owned(),
        B::MinKey => "MinKey".to_owned(),
        B::MaxKey => "MaxKey".to_owned(),
        B::JavaScriptCode(code) => code.to_owned(),
        B::JavaScriptCodeWithScope(code) => code.code.to_owned(),
        B::DbPointer(_) => "DBPointer".to_owned(),
    }
}

/// A double shows that it is one.
fn show_double(number: f64) -> String {
    if number.is_nan() {
        "nan".to_owned()
    } else if number.is_infinite() {
        if number > 0.0 { "inf" } else { "-inf" }.to_owned()
    } else if number.fract() == 0.0 && number.abs() < 1e16 {
        format!("{number:.1}")
    } else {
        number.to_string()
    }
}
