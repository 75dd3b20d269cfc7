//! Errors in the language of the client. Details are written in English, with the reason of each
//! refusal; in other languages they follow from the members of the problem, and quote the reason.

use affluenza_http::Problem;
use affluenza_words::Language;
use axum::http::HeaderMap;
use serde_json::Value as Json;

use crate::dashboard::language;

/// Returns a problem in the language of the request, or in English.
pub(crate) fn in_language(problem: Problem, query: Option<&str>, headers: &HeaderMap) -> Problem {
    match language::asked(query, headers) {
        None | Some(Language::EN) => problem,
        Some(language) => {
            let title = title(&problem, language);
            let detail = detail(&problem, language);
            problem.said(title, detail)
        }
    }
}

fn title(problem: &Problem, language: Language) -> String {
    match problem.code() {
        "bad-parameter" => language.say("problem-bad-parameter", &[]),
        "unauthorized" => language.say("problem-unauthorized", &[]),
        "forbidden" => language.say("problem-forbidden", &[]),
        "not-published" => language.say("problem-not-published", &[]),
        "not-acceptable" => language.say("problem-not-acceptable", &[]),
        "too-many-requests" => language.say("problem-too-many-requests", &[]),
        "unavailable" => language.say("problem-unavailable", &[]),
        _ => language.say("problem-internal", &[]),
    }
}

fn detail(problem: &Problem, language: Language) -> String {
    let document = problem.to_json();
    let text = |name: &str| document[name].as_str().map(str::to_owned);
    let mut sentences = Vec::new();
    if let Some(parameter) = text("parameter") {
        let parameter = [("parameter", parameter.into())];
        sentences.push(language.say("problem-detail-parameter", &parameter));
    }
    if let Some(suggestion) = text("suggestion") {
        let suggestion = [("suggestion", suggestion.into())];
        sentences.push(language.say("problem-detail-suggestion", &suggestion));
    }
    let reason = [("reason", problem.detail().trim_end_matches('.').into())];
    sentences.push(language.say("problem-detail-reason", &reason));
    if let Some(allowed) = document["allowed"].as_array() {
        let allowed: Vec<&str> = allowed.iter().filter_map(Json::as_str).collect();
        let allowed = [("allowed", allowed.join(", ").into())];
        sentences.push(language.say("problem-detail-allowed", &allowed));
    }
    if let (Some(low), Some(high)) = (document["minimum"].as_u64(), document["maximum"].as_u64()) {
        let range = [("minimum", low.into()), ("maximum", high.into())];
        sentences.push(language.say("problem-detail-range", &range));
    }
    sentences.push(match problem.code() {
        "unauthorized" => language.say("problem-detail-key", &[]),
        "forbidden" => language.say("problem-detail-reach", &[]),
        "too-many-requests" | "unavailable" => language.say("problem-detail-later", &[]),
        _ => language.say("problem-detail-documented", &[]),
    });
    sentences.join(" ")
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use axum::http::header::ACCEPT_LANGUAGE;

    use super::*;

    #[test]
    fn a_problem_is_in_the_language_of_the_client() {
        let said = |query, accepted: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            if let Some(accepted) = accepted {
                headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static(accepted));
            }
            let problem = Problem::parameter("measure", "measure has no such value", &["users"]);
            let problem = in_language(problem.suggest(Some("users")), query, &headers);
            problem.detail().to_owned()
        };
        let italian = "Il parametro measure non è valido. Forse si intende users. Motivo, in inglese: measure has no such value. Valori possibili: users. La documentazione è alla pagina /docs.";
        assert_eq!(said(None, Some("it-IT,it;q=0.9,en;q=0.5")), italian);
        assert_eq!(said(Some("measure=x&lang=it"), Some("en")), italian);
        for english in [said(None, None), said(Some("lang=en"), Some("it"))] {
            assert_eq!(english, "measure has no such value");
        }
    }
}
