//! Species: what tells a creature from a person in a costume. Data, so that a user may add to it.

use serde::{Deserialize, Serialize};

use crate::character::Appearance;

/// Signs of a species.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Species {
    /// Word that names it in a character's species, lower case, e.g. `turtle`.
    pub name: String,
    /// What must be seen.
    pub right: String,
    /// What must not be seen.
    pub wrong: String,
    /// Words every prompt with one avoids, beside those that every creature's prompt avoids.
    #[serde(default)]
    pub negative: String,
}

/// What every creature's prompt avoids.
pub const NOT_HUMAN: &str = "human, human face, human skin, realistic person, humanoid body, human proportions";

/// Whoever nobody has described.
const ANY: &str = "creature";

/// Name, right, wrong, negative.
const SHIPPED: [(&str, &str, &str, &str); 8] = [
    ("koopa", "shell, scaly skin, turtle face", "human skin, human face or hair, no shell", ""),
    ("turtle", "shell, green or yellow scales, beak or snout", "human skin, face, nose, hair or proportions", ""),
    (
        "dinosaur",
        "scales, muzzle, tail, a shape that is not human",
        "human skin, face or hands, neither tail nor snout",
        "",
    ),
    (
        "star-shaped",
        "a round or star-shaped body, small, floating or glowing",
        "limbs and face of a person, a child",
        "child, boy, girl, humanoid, arms, legs, human child, toddler",
    ),
    (
        "mushroom",
        "the cap is the head itself, a tiny body",
        "a child wearing a hat, a normal head under a cap",
        "human child, boy wearing hat, normal human head",
    ),
    ("mouse", "snout, round ears, whiskers, fur, tail", "human skin, face or ears, no fur", ""),
    (
        "dragon",
        "a massive scaly body, spiked shell or back, horns, fangs, claws",
        "human skin, face or body, neither shell nor scales",
        "",
    ),
    (ANY, "a body that is clearly not human", "human skin, human face, human proportions", ""),
];

/// The species the studio knows by itself.
pub fn shipped() -> Vec<Species> {
    let species = |(name, right, wrong, negative): (&str, &str, &str, &str)| Species {
        name: name.into(),
        right: right.into(),
        wrong: wrong.into(),
        negative: negative.into(),
    };
    SHIPPED.into_iter().map(species).collect()
}

/// Whether somebody who looks like this is no human: nothing about them is ever decided without a question.
pub fn is_not_human(appearance: &Appearance) -> bool {
    let species = appearance.species.trim().to_lowercase();
    !species.is_empty() && species != "human"
}

/// The signs of a character's species: the user's own first, then the longest name that occurs in it.
///
/// `None` for humans. A species nobody has described is judged by the signs every creature has.
pub fn signs<'a>(appearance: &Appearance, own: &'a [Species], known: &'a [Species]) -> Option<&'a Species> {
    if !is_not_human(appearance) {
        return None;
    }
    let species = appearance.species.to_lowercase();
    let named = |all: &'a [Species]| {
        let here = all.iter().filter(|one| one.name != ANY && species.contains(&one.name.to_lowercase()));
        here.max_by_key(|one| one.name.len())
    };
    named(own).or_else(|| named(known)).or_else(|| known.iter().find(|one| one.name == ANY))
}

/// What a prompt with this character must avoid, most important first.
pub fn negatives(appearance: &Appearance, own: &[Species], known: &[Species]) -> Vec<String> {
    let mut avoid = Vec::new();
    if let Some(signs) = signs(appearance, own, known) {
        avoid.push(NOT_HUMAN.to_owned());
        avoid.push(signs.negative.clone());
    }
    avoid.extend(appearance.errors.iter().map(|error| error.avoid.clone()));
    avoid.extend(appearance.avoid.iter().cloned());
    avoid.retain(|words| !words.trim().is_empty());
    avoid
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looks(species: &str) -> Appearance {
        Appearance { species: species.into(), ..Appearance::default() }
    }

    #[test]
    fn every_species_of_the_rules_is_known_and_never_taken_for_a_human() {
        let known = shipped();
        for name in ["turtle", "koopa", "dinosaur", "star-shaped", "mushroom", "mouse", "dragon"] {
            let looks = looks(&format!("NOT human, {name} creature"));
            assert_eq!(signs(&looks, &[], &known).unwrap().name, name);
            assert!(negatives(&looks, &[], &known)[0].contains("human face"), "{name}");
        }
        assert!(negatives(&looks("star-shaped"), &[], &known).iter().any(|words| words.contains("toddler")));
        assert!(negatives(&looks("mushroom"), &[], &known).iter().any(|words| words.contains("boy wearing hat")));
        for human in ["", " human", "Human"] {
            assert!(signs(&looks(human), &[], &known).is_none() && negatives(&looks(human), &[], &known).is_empty());
        }
    }

    #[test]
    fn a_species_of_the_users_own_goes_first_and_an_unknown_one_is_a_creature() {
        let known = shipped();
        let own =
            [Species { name: "mouse".into(), right: "blue".into(), wrong: "pink".into(), negative: "cat".into() }];
        assert_eq!(signs(&looks("mouse"), &own, &known).unwrap().right, "blue");
        assert_eq!(signs(&looks("a wobbly jelly"), &own, &known).unwrap().name, "creature");
    }
}
