//! Learning: judged takes with what they were made with.

use studio_core::{
    learning::Sample,
    order::{Outputs, Reported},
    production::engine::DRAFT_JUDGE,
    review::Issue,
    shot::ShotPlan,
    take::Verdict,
    units::{Millis, Score},
};

use super::{
    Db, Result, on_db,
    rows::{JsonText, Reading},
};

/// Takes that are looked at, the newest ones.
const MOST: i64 = 2000;

const SAMPLES: &str = "
    select takes.asset, takes.score, takes.verdict, takes.reviewed_ms, shots.plan, attempts.outputs,
           opinions.good, opinions.issues, opinions.said_ms
      from takes join shots on shots.id = takes.shot_id
           join assets on assets.hash = takes.asset
           join attempts on attempts.id = assets.attempt_id
           left join opinions on opinions.asset = takes.asset
     where takes.reviewed_ms is not null
       and (opinions.good is not null or cast(takes.verdict as text) not like $2)
     order by takes.reviewed_ms desc, takes.id limit $1";

#[derive(sqlx_macros::FromRow)]
struct SampleRow {
    asset: String,
    score: Option<f64>,
    verdict: Option<JsonText>,
    reviewed_ms: i64,
    plan: JsonText,
    outputs: Option<JsonText>,
    good: Option<bool>,
    issues: Option<JsonText>,
    said_ms: Option<i64>,
}

/// The newest takes that people, or judges with eyes, have judged; what people said goes first. Who only measures cannot
/// see what is good, and teaches nothing. `mark` is the first gate's.
pub async fn samples(db: &Db, mark: Score) -> Result<Vec<Sample>> {
    let measured = format!("%\"{DRAFT_JUDGE}\"%");
    let rows: Vec<SampleRow> =
        on_db!(db, |pool| sqlx::query_as(SAMPLES).bind(MOST).bind(&measured).fetch_all(pool).await)?;
    let mut samples = Vec::with_capacity(rows.len());
    for row in rows {
        let reading = Reading { table: "takes", id: &row.asset };
        let plan: ShotPlan = reading.json("plan", &row.plan)?;
        let outputs: Option<Outputs> = reading.maybe_json("outputs", row.outputs.as_ref())?;
        let verdict: Option<Verdict> = reading.maybe_json("verdict", row.verdict.as_ref())?;
        let said: Option<Vec<Issue>> = reading.maybe_json("issues", row.issues.as_ref())?;
        let (model, settings) = match outputs.and_then(|outputs| outputs.reported) {
            Some(Reported::Rendered { model, settings }) => (model, settings),
            _ => Default::default(),
        };
        let score = match row.good {
            Some(true) => Score::from_percent(100),
            _ => Score::from_fraction(row.score.unwrap_or(0.0)),
        };
        samples.push(Sample {
            characters: plan.characters,
            model,
            settings,
            score,
            // What nobody could judge teaches nothing about how bad it is.
            rejected: row.good.map_or(row.score.is_some() && score < mark, |good| !good),
            issues: said.filter(|said| !said.is_empty()).or(verdict.map(|verdict| verdict.issues)).unwrap_or_default(),
            at: Millis(row.said_ms.unwrap_or(row.reviewed_ms)),
        });
    }
    Ok(samples)
}
