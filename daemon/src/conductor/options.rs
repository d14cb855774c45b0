//! Options: what somebody wants of an episode. The command line, a request and its query are this one type.

use serde::{Deserialize, Serialize};

/// What somebody wants of a screenplay; what is left open it, its project and the settings say.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::IntoParams, clap::Args)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ProduceOptions {
    /// The show; without it the title page's Show, else its Title.
    #[arg(long, value_name = "NAME", help = "The show; without it the title page's Show, else its Title")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Season, 0 to 199.
    #[arg(long, help = "Season, 0 to 199; without it the title page's, else 1")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub season: Option<u32>,
    /// Number in the season, from 1.
    #[arg(long, help = "Number in the season; without it the title page's, else 1")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub episode: Option<u32>,
    /// Name of a format: `series`, `vertical`, `preview`, ...
    #[arg(long, value_name = "FORMAT", help = "How the story is shaped: series, vertical, preview, or a .toml file")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Picture size, `WIDTHxHEIGHT`.
    #[arg(long, value_name = "WIDTHxHEIGHT", help = "Picture size; wins over the format")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<String>,
    /// What is made before it begins, of everybody and every place in it that has no reference: views of reference sheets with
    /// commas between them, e.g. `full_body,establishing`, or `off`.
    #[arg(
        long,
        value_name = "VIEWS",
        help = "Make these first of whoever has no reference, e.g. full_body,establishing; off for none"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub portraits: Option<String>,
    /// Only the built-in draft engines.
    #[arg(long, help = "Only the built-in draft engines, whatever is configured")]
    pub draft: bool,
    /// Use what was learned since the episode was made first.
    #[arg(long, help = "Use what was learned since the episode was made first, and make what that changes again")]
    pub relearn: bool,
    /// Only keep it: nothing is made until somebody asks for it.
    #[arg(skip)]
    pub hold: bool,
}

/// Where what [`ProduceOptions`] leave open is taken from.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Defaults {
    /// The settings as they are now.
    #[default]
    BySettings,
    /// How the episode was made last.
    AsBefore,
    /// The same, and it is to be in the library, even when a person took it out.
    AsBeforeAndPublished,
}
