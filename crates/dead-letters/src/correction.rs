use json_patch::{PatchErrorKind, PatchOperation};
use serde_json::Value;
use serde_json::value::RawValue;
use thiserror::Error;

/// Correction of records: a JSON Patch (RFC 6902).
#[derive(Debug, Clone)]
pub struct Correction(json_patch::Patch);

/// Error of a text that is not a JSON Patch, with line and column.
#[derive(Debug, Error)]
#[error(
    "{0}; a JSON Patch (RFC 6902) is a list such as [{{\"op\": \"replace\", \"path\": \"/data/kind\", \"value\": \"plain\"}}]"
)]
pub struct CorrectionError(String);

/// Error of a correction that does not apply to a record. It never quotes the record.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotApplied {
    /// The record is not JSON, so no patch applies.
    #[error("the record is not JSON, so no patch applies to it")]
    NotJson,
    /// An operation failed.
    #[error("operation {number} of the patch failed at {path:?}: {cause}")]
    Operation {
        /// Number of the operation, from 1.
        number: usize,
        /// Path of the operation in the record.
        path: String,
        /// Cause of the failure.
        cause: String,
    },
}

impl Correction {
    /// Parses a JSON Patch.
    pub fn parse(text: &str) -> Result<Self, CorrectionError> {
        // Parse each operation separately, so that the error names its place and not the end of the
        // list.
        let operations: Vec<&RawValue> =
            serde_json::from_str(text).map_err(|error| CorrectionError(error.to_string()))?;
        let operations: Result<Vec<PatchOperation>, CorrectionError> = operations
            .iter()
            .enumerate()
            .map(|(place, operation)| {
                serde_json::from_str(operation.get())
                    .map_err(|error| bad_operation(text, place + 1, operation.get(), &error))
            })
            .collect();
        Ok(Self(json_patch::Patch(operations?)))
    }

    /// Applies all operations to a record, or none of them. If an object has a name twice, the last
    /// one counts.
    pub fn apply(&self, record: &[u8]) -> Result<Vec<u8>, NotApplied> {
        let mut value: Value = serde_json::from_slice(record).map_err(|_| NotApplied::NotJson)?;
        // The value is dropped on failure, so a partly applied patch need not be undone.
        json_patch::patch_unsafe(&mut value, &self.0).map_err(|error| NotApplied::Operation {
            number: error.operation + 1,
            path: error.path.to_string(),
            cause: match error.kind {
                PatchErrorKind::InvalidPointer => "the record has no such place".to_owned(),
                PatchErrorKind::TestFailed => "the record has another value".to_owned(),
                kind => kind.to_string(),
            },
        })?;
        serde_json::to_vec(&value).map_err(|_| NotApplied::NotJson)
    }
}

/// Makes the error of an operation. `operation` must be a slice of `text`.
fn bad_operation(
    text: &str,
    number: usize,
    operation: &str,
    error: &serde_json::Error,
) -> CorrectionError {
    let start = operation.as_ptr().addr() - text.as_ptr().addr();
    let before = &text[..start];
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    let said = error.to_string();
    // The line and column of the cause count from the start of the operation, so drop them.
    let cause = said.split(" at line ").next().unwrap_or(&said);
    CorrectionError(format!(
        "operation {number} at line {line} column {column}: {cause}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patched(patch: &str, record: &str) -> Result<String, NotApplied> {
        let bytes = Correction::parse(patch).unwrap().apply(record.as_bytes())?;
        Ok(String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn every_operation_of_the_standard_works() {
        let record = r#"{"a":{"b":1},"c":[1,2]}"#;
        for (patch, expected) in [
            (r#"[]"#, record),
            (
                r#"[{"op":"add","path":"/c/-","value":3}]"#,
                r#"{"a":{"b":1},"c":[1,2,3]}"#,
            ),
            (r#"[{"op":"remove","path":"/a"}]"#, r#"{"c":[1,2]}"#),
            (
                r#"[{"op":"replace","path":"/a/b","value":"x"}]"#,
                r#"{"a":{"b":"x"},"c":[1,2]}"#,
            ),
            (
                r#"[{"op":"move","from":"/a/b","path":"/d"}]"#,
                r#"{"a":{},"c":[1,2],"d":1}"#,
            ),
            (
                r#"[{"op":"copy","from":"/c/0","path":"/a"}]"#,
                r#"{"a":1,"c":[1,2]}"#,
            ),
            (
                r#"[{"op":"test","path":"/a/b","value":1},{"op":"remove","path":"/c"}]"#,
                r#"{"a":{"b":1}}"#,
            ),
        ] {
            assert_eq!(patched(patch, record).as_deref(), Ok(expected), "{patch}");
        }
    }

    #[test]
    fn what_fails_is_named_and_the_record_is_not_quoted() {
        let record = r#"{"who":"Mario"}"#;
        let failure = |patch: &str| patched(patch, record).unwrap_err().to_string();
        assert_eq!(
            failure(
                r#"[{"op":"test","path":"/who","value":"Mario"},{"op":"replace","path":"/data/kind","value":1}]"#
            ),
            "operation 2 of the patch failed at \"/data/kind\": the record has no such place"
        );
        assert_eq!(
            failure(r#"[{"op":"test","path":"/who","value":"x"}]"#),
            "operation 1 of the patch failed at \"/who\": the record has another value"
        );
        assert_eq!(patched("[]", "no json"), Err(NotApplied::NotJson));
        assert_eq!(patched("[]", ""), Err(NotApplied::NotJson));
    }

    #[test]
    fn a_bad_patch_is_told_with_line_and_column() {
        let mend = "[\n  {\"op\": \"mend\", \"path\": \"/a\"}\n]";
        let no_value =
            "[\n  {\"op\":\"remove\",\"path\":\"/a\"},\n  {\"op\":\"add\",\"path\":\"/a\"}\n]";
        let no_pointer = "[{\"op\": \"remove\", \"path\": \"a\"}]";
        for (patch, place) in [
            ("[\n  {\"op\": \"remove\",\n]", "line 3 column 1"),
            (
                mend,
                "operation 1 at line 2 column 3: unknown variant `mend`",
            ),
            (
                no_value,
                "operation 2 at line 3 column 3: missing field `value`",
            ),
            (no_pointer, "operation 1 at line 1 column 2: "),
            ("[7]", "operation 1 at line 1 column 2: "),
            ("{\"op\": \"remove\", \"path\": \"/a\"}", "line 1 column"),
            ("", "line 1 column 0"),
        ] {
            let said = Correction::parse(patch).unwrap_err().to_string();
            assert!(said.contains(place), "{patch:?}: {said}");
        }
    }
}
