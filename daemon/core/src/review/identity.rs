//! Identity: who of some characters is in a picture that came without a name, as a vision model says.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Confusable, Question, object, question::checklist};
use crate::{asset::AssetRef, character::Figure, ids::CharacterId, units::Score};

/// What a vision model says when it is none of them.
const NOBODY: &str = "nobody";
/// Most characters who are shown with a picture; the others are told in words: each picture takes of what a model can hear.
pub const MOST_SHOWN: usize = 8;
/// How sure a vision model must be so that nobody is asked.
pub const SURE: Score = Score::from_percent(80);

/// Somebody a picture may show.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Who it is.
    pub character: CharacterId,
    /// How they look in words.
    pub figure: Figure,
    /// A picture of them; `None`: they are told in words alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<AssetRef>,
    /// Who is easily taken for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub confusable: Vec<Confusable>,
}

/// Who is in a picture, as far as that can be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Identity {
    /// The judge that looked.
    pub judge: String,
    /// Who it is; `None`: none of them, or it could not be told.
    pub character: Option<CharacterId>,
    /// How sure the judge is; `None`: what it said cannot be used.
    pub confidence: Option<Score>,
    /// What decides it, in a few words of the judge.
    pub reason: String,
}

impl Identity {
    /// Who it is, when the judge is sure enough that no person needs to look.
    pub fn sure(&self) -> Option<CharacterId> {
        self.character.filter(|_| self.confidence.is_some_and(|confidence| confidence >= SURE))
    }
}

/// What a vision model said of who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// Which of the candidates, from 0; `None`: none of them.
    pub candidate: Option<usize>,
    /// How sure it is.
    pub confidence: Score,
    /// What decides it.
    pub seen: String,
}

/// How a candidate is called in the question: names may be alike, or be words of their own.
fn label(at: usize) -> String {
    format!("c{}", at + 1)
}

/// Which of the candidates it is: the picture first, then those of the candidates that have one, in their order.
pub fn identity_question(candidates: &[Candidate]) -> Question {
    let mut said = vec!["Who is in picture 1? Each of these may be, or none of them:".to_owned()];
    let mut picture = 2;
    for (at, one) in candidates.iter().enumerate() {
        let shown = match one.reference {
            Some(_) => {
                picture += 1;
                format!(" (picture {} shows them)", picture - 1)
            }
            None => String::new(),
        };
        said.push(format!("{}{shown}: {}", label(at), checklist(&one.figure, &[])));
    }
    let mut words: Vec<String> = (0..candidates.len()).map(label).collect();
    words.push(NOBODY.into());
    said.push(format!(
        "Answer in JSON with exactly these fields: who ({}; {NOBODY} when it is somebody else, when several are seen, or when \
         nobody is), confidence (0 a guess, 10 certain), seen (what decides it, a few words). Judge by what is seen.",
        words.join(", ")
    ));
    let schema = object(&json!({
        "who": { "type": "string", "enum": words },
        "confidence": { "type": "integer", "minimum": 0, "maximum": 10 },
        "seen": { "type": "string" },
    }));
    Question { text: said.join("\n"), schema }
}

/// Reads who it is of so many candidates; the complaint goes back to the model once.
///
/// # Errors
/// What is wrong with the answer, in one sentence.
pub fn identity(text: &str, candidates: usize) -> Result<Who, String> {
    #[derive(Deserialize)]
    struct Answer {
        who: String,
        confidence: u8,
        seen: String,
    }
    let Answer { who, confidence, seen } = super::answer::read(text)?;
    if confidence > 10 {
        return Err(format!("confidence is {confidence}; it must be 0 to 10"));
    }
    let candidate = (0..candidates).find(|at| label(*at) == who);
    if candidate.is_none() && who != NOBODY {
        return Err(format!("who is '{who}'; it must be c1 to c{candidates}, or {NOBODY}"));
    }
    Ok(Who { candidate, confidence: Score::from_percent(u16::from(confidence) * 10), seen })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{character::CharacterProfile, ids::ContentHash};

    fn candidate(number: u128, name: &str, shown: bool) -> Candidate {
        Candidate {
            character: CharacterId(Uuid::from_u128(number)),
            figure: Figure {
                name: name.into(),
                profile: CharacterProfile::from_name(name, None, None),
                appearance: None,
                staging: None,
            },
            reference: shown.then(|| AssetRef { hash: ContentHash::of(name.as_bytes()), ext: "png".into() }),
            confusable: Vec::new(),
        }
    }

    #[test]
    fn pictures_are_named_in_the_order_in_which_they_are_shown() {
        let all = [candidate(1, "Mara", true), candidate(2, "Ben", false), candidate(3, "Ada", true)];
        let question = identity_question(&all);
        for said in ["c1 (picture 2 shows them): CHARACTER Mara", "c2: CHARACTER Ben", "c3 (picture 3 shows them)"] {
            assert!(question.text.contains(said), "{said}: {}", question.text);
        }
        assert_eq!(question.schema["properties"]["who"]["enum"], json!(["c1", "c2", "c3", "nobody"]));
    }

    #[test]
    fn who_is_nobody_of_them_is_nobody_and_who_is_not_asked_for_is_no_answer() {
        let said = |who: &str, confidence: i32| {
            identity(&json!({ "who": who, "confidence": confidence, "seen": "a coat" }).to_string(), 2)
        };
        let good = said("c2", 9).unwrap();
        assert_eq!((good.candidate, good.confidence), (Some(1), Score::from_percent(90)));
        assert_eq!(said("nobody", 3).unwrap().candidate, None);
        for (who, confidence, why) in
            [("c3", 9, "c1 to c2"), ("Mara", 9, "nobody"), ("c1", 11, "0 to 10"), ("c1", -1, "schema")]
        {
            let error = said(who, confidence).unwrap_err();
            assert!(error.contains(why), "{who} {confidence}: {error}");
        }
        assert!(identity("It is Mara.", 2).unwrap_err().contains("not JSON"));
    }

    #[test]
    fn only_who_is_sure_decides() {
        let identity = |character: bool, percent: Option<u16>| Identity {
            judge: String::new(),
            character: character.then_some(CharacterId(Uuid::nil())),
            confidence: percent.map(Score::from_percent),
            reason: String::new(),
        };
        assert!(identity(true, Some(80)).sure().is_some());
        for unsure in [identity(true, Some(79)), identity(true, None), identity(false, Some(100))] {
            assert_eq!(unsure.sure(), None, "{unsure:?}");
        }
    }
}
