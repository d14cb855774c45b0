//! Likeness: how alike two pictures are to a model of pictures, when the user has a server for that.
//!
//! The route is that of Infinity, `POST /embeddings` with `modality: image` and data URIs, whose answer is that of `OpenAI`.
//! Scale of the original studio: the same character from 0.75 on, another one below 0.5.

use std::time::Duration;

use base64::Engine as _;
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use studio_core::{
    take::{Mark, MarkName},
    units::Score,
};

use super::http::{Http, Trouble};

/// A model on the CPU takes a while for its first picture.
const PATIENCE: Duration = Duration::from_mins(2);
/// Cosines that are nothing alike, and alike.
const ALIKE: (f64, f64) = (0.5, 0.75);

/// Where it is.
#[derive(Debug, Clone)]
pub struct LikenessPlan {
    /// Address of the server without the route, e.g. `http://127.0.0.1:7997`.
    pub url: String,
    /// Name of the model that compares pictures, e.g. `openai/clip-vit-base-patch32`.
    pub model: String,
    /// Key; empty for servers without.
    pub key: String,
}

/// Somebody who sees how alike pictures are.
#[derive(Debug, Clone)]
pub struct Likeness {
    plan: LikenessPlan,
    http: Http,
}

#[derive(Deserialize)]
struct Answer {
    data: Vec<Embedding>,
}

#[derive(Deserialize)]
struct Embedding {
    embedding: Vec<f64>,
}

impl Likeness {
    /// A client; nothing is asked yet.
    pub fn open(plan: LikenessPlan) -> Result<Self, Trouble> {
        let http = Http::patient(&plan.url, PATIENCE)?;
        Ok(Self { plan, http })
    }

    /// What decides its answers beside the pictures.
    pub fn print(&self) -> &str {
        &self.plan.model
    }

    /// How alike a picture is to the one of `others` it is most like, as JPEGs; `None` when the server is away or
    /// answers nothing that can be compared: this is a wish, not a layer a take waits for.
    pub async fn mark(&self, picture: &[u8], others: &[Vec<u8>]) -> Option<Mark> {
        if others.is_empty() {
            return None;
        }
        let all: Vec<&[u8]> = std::iter::once(picture).chain(others.iter().map(Vec::as_slice)).collect();
        let vectors = match self.vectors(&all).await {
            Ok(vectors) => vectors,
            Err(trouble) => {
                tracing::warn!(%trouble, "nobody says how alike pictures are");
                return None;
            }
        };
        let (first, rest) = vectors.split_first()?;
        let best = rest.iter().filter_map(|other| cosine(first, other)).max_by(f64::total_cmp)?;
        let score = Score::from_fraction(((best - ALIKE.0) / (ALIKE.1 - ALIKE.0)).clamp(0.0, 1.0));
        Some(Mark { name: MarkName::Embedding, score, measured: best, unit: "cosine".into() })
    }

    async fn vectors(&self, pictures: &[&[u8]]) -> Result<Vec<Vec<f64>>, Trouble> {
        let uri = |bytes: &&[u8]| {
            format!("data:image/jpeg;base64,{}", base64::engine::general_purpose::STANDARD.encode(bytes))
        };
        let input: Vec<String> = pictures.iter().map(uri).collect();
        let route = "/embeddings";
        let body = json!({ "model": self.plan.model, "input": input, "modality": "image", "encoding_format": "float" });
        let request = self.http.request(Method::POST, route).json(&body);
        let request = if self.plan.key.is_empty() { request } else { request.bearer_auth(&self.plan.key) };
        let answer: Answer = self.http.read(route, &self.http.body(request, route).await?)?;
        if answer.data.len() != pictures.len() {
            let why = format!("{} vectors for {} pictures", answer.data.len(), pictures.len());
            return Err(Trouble::Garbled { url: self.http.url(route), why });
        }
        Ok(answer.data.into_iter().map(|one| one.embedding).collect())
    }
}

/// Cosine of the angle between two vectors; `None` when they cannot be compared.
fn cosine(a: &[f64], b: &[f64]) -> Option<f64> {
    let dot: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
    let length = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
    let cosine = dot / (length(a) * length(b));
    (a.len() == b.len() && cosine.is_finite()).then_some(cosine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_compared_by_their_direction() {
        assert!((cosine(&[1.0, 2.0], &[2.0, 4.0]).unwrap() - 1.0).abs() < 1e-12);
        assert!(cosine(&[1.0, 0.0], &[0.0, 3.0]).unwrap().abs() < 1e-12);
        assert_eq!(cosine(&[1.0], &[1.0, 2.0]), None);
        assert_eq!(cosine(&[0.0, 0.0], &[1.0, 2.0]), None);
    }
}
