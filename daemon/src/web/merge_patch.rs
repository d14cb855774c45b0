//! Merge patch: changes of what people write (RFC 7396), without losing what somebody else wrote meanwhile.

use std::{collections::BTreeMap, fmt::Display, marker::PhantomData};

use axum::{
    body::to_bytes,
    extract::{FromRequest, Request},
    http::{HeaderMap, HeaderValue, header},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use studio_core::{ids::ContentHash, journal::EventKind, order::AssetRef};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Ref, RefOr, Schema,
        schema::{AdditionalProperties, Object, OneOf, SchemaType, Type},
    },
};

use super::{
    doors::Writer,
    problem::{Problem, nul_in},
};
use crate::store::{self, Db, Tx};

/// The entity tag of something as it is now.
pub fn tag(of: &impl Serialize) -> String {
    let text = serde_json::to_vec(of).unwrap_or_default();
    format!("\"{}\"", &ContentHash::of(&text).to_string()[..32])
}

/// The tag as a header.
pub fn tagged(tag: &str) -> [(header::HeaderName, HeaderValue); 1] {
    [(header::ETAG, HeaderValue::from_str(tag).unwrap_or_else(|_| HeaderValue::from_static("\"\"")))]
}

/// Refuses when the client has seen something else than is there now. Without `If-Match` the last one wins.
pub fn unchanged(headers: &HeaderMap, now: &str) -> Result<(), Problem> {
    let said = headers.get(header::IF_MATCH).and_then(|value| value.to_str().ok());
    let met = said.is_none_or(|said| said == "*" || said.split(',').any(|one| one.trim() == now));
    if met { Ok(()) } else { Err(Problem::changed()) }
}

/// Largest patch, in bytes.
const LARGEST: usize = 1 << 20;

/// The JSON of a patch, however it is labelled among the two ways there are.
async fn read(request: Request) -> Result<Value, Problem> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !["application/merge-patch+json", "application/json"].contains(&kind) {
        return Err(Problem::wrong_kind("send the change as application/merge-patch+json"));
    }
    let body = to_bytes(request.into_body(), LARGEST).await.map_err(|error| match nul_in(&error) {
        Some(nul) => Problem::bad_request(nul.to_string()),
        None => Problem::too_large("send less"),
    })?;
    serde_json::from_slice(&body).map_err(|error| Problem::bad_request(error.to_string()))
}

/// The body of a merge patch of a `T`. What is left out stays, `null` puts back what is usual.
///
/// In the contract it is an object of the same fields as `T`, each of which may be left out; it is made from the schema
/// of `T` and so cannot know other fields than `T` has.
pub struct MergePatch<T> {
    change: Value,
    of: PhantomData<fn() -> T>,
}

impl<T: Serialize + DeserializeOwned> MergePatch<T> {
    /// What is there with the patch laid over it.
    ///
    /// # Errors
    /// 400: it is no object, it has a field `T` does not have, or a value its field does not take.
    pub fn onto(&self, now: &T) -> Result<T, Problem> {
        if !self.change.is_object() {
            return Err(Problem::bad_request("a merge patch is an object with the fields that change"));
        }
        let mut value = serde_json::to_value(now).map_err(|error| Problem::internal(error.to_string()))?;
        json_patch::merge(&mut value, &self.change);
        serde_json::from_value(value).map_err(|error| Problem::bad_request(error.to_string()))
    }
}

impl<S: Send + Sync, T> FromRequest<S> for MergePatch<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        Ok(Self { change: read(request).await?, of: PhantomData })
    }
}

/// The body of a merge patch whose fields are a type of their own.
pub struct Fields<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Fields<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let change = read(request).await?;
        serde_json::from_value(change).map(Self).map_err(|error| Problem::bad_request(error.to_string()))
    }
}

/// Something people write: kept whole, changed by merge patches.
pub trait Editable: Serialize + DeserializeOwned {
    /// What it is known by.
    type Id: Copy + Display;
    /// The event that tells of a change.
    const CHANGED: EventKind;

    /// As it is kept.
    async fn load(db: &Db, id: Self::Id) -> store::Result<Self>;
    /// Puts it in place of what was kept; that holds once `tx` is committed.
    async fn keep(&self, tx: &mut Tx<'_>, id: Self::Id) -> store::Result<()>;
    /// What is wrong with it, in one sentence.
    fn check(&self) -> Result<(), String>;
    /// Files it names.
    fn files(&self) -> impl Iterator<Item = &AssetRef> + Send;
}

/// Lays a patch over what is kept, unless somebody else was faster; what is kept now.
pub async fn change<T: Editable>(
    state: &super::AppState,
    door: &Writer<T::Id>,
    headers: &HeaderMap,
    patch: &MergePatch<T>,
) -> Result<T, Problem> {
    let id = door.of;
    let _one_at_a_time = state.writing.lock().await;
    // Begun before anything is read: the judge, too, may put a portrait among the references of a sheet.
    let mut tx = state.db.begin().await?;
    let now = T::load(&state.db, id).await?;
    unchanged(headers, &tag(&now))?;
    let wanted = patch.onto(&now)?;
    wanted.check().map_err(Problem::bad_request)?;
    for file in wanted.files() {
        let kept = store::assets::get(&state.db, file.hash).await?.is_some();
        if !kept || !door.may_name(&state.db, file.hash).await? {
            return Err(Problem::bad_request(format!("the studio keeps no file {}; upload it first", file.hash)));
        }
    }
    wanted.keep(&mut tx, id).await?;
    state.changed(&mut tx, T::CHANGED, &id.to_string()).await?;
    tx.commit().await?;
    state.tell();
    Ok(wanted)
}

type Schemas = BTreeMap<String, RefOr<Schema>>;

/// Schemas that `T` names, by name.
fn named<T: ToSchema>() -> Schemas {
    let mut all = Vec::new();
    T::schemas(&mut all);
    all.into_iter().collect()
}

impl<T: ToSchema> PartialSchema for MergePatch<T> {
    fn schema() -> RefOr<Schema> {
        patch_of(&T::schema(), &named::<T>(), &mut Schemas::new())
    }
}

impl<T: ToSchema> ToSchema for MergePatch<T> {
    fn name() -> std::borrow::Cow<'static, str> {
        format!("{}Patch", T::name()).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        T::schemas(schemas);
        let mut patches = Schemas::new();
        patch_of(&T::schema(), &named::<T>(), &mut patches);
        schemas.extend(patches);
    }
}

/// The schema of a patch of what `schema` describes; those of its parts are added to `patches`.
fn patch_of(schema: &RefOr<Schema>, named: &Schemas, patches: &mut Schemas) -> RefOr<Schema> {
    match schema {
        RefOr::Ref(one) => {
            let name = one.ref_location.rsplit('/').next().unwrap_or_default();
            let Some(part) = named.get(name).filter(|part| has_fields(part)) else { return schema.clone() };
            let patch = format!("{name}Patch");
            if !patches.contains_key(&patch) {
                // Known from now on, or what contains itself would have no end.
                patches.insert(patch.clone(), part.clone());
                let made = patch_of(part, named, patches);
                patches.insert(patch.clone(), made);
            }
            let mut reference = Ref::from_schema_name(patch);
            reference.description.clone_from(&one.description);
            RefOr::Ref(reference)
        }
        RefOr::T(Schema::Object(object)) => {
            let mut object = object.clone();
            let required = std::mem::take(&mut object.required);
            for (name, field) in &mut object.properties {
                let patch = patch_of(field, named, patches);
                *field = if required.contains(name) { patch } else { or_null(patch) };
            }
            if let Some(values) = object.additional_properties.as_deref_mut()
                && let AdditionalProperties::RefOr(value) = values
            {
                *value = or_null(patch_of(value, named, patches));
            }
            object.default = None;
            RefOr::T(Schema::Object(object))
        }
        // Something or nothing; of any other choice the whole is sent.
        RefOr::T(Schema::OneOf(choice)) if choice.items.iter().any(is_null) => {
            let items = choice.items.iter().map(|item| patch_of(item, named, patches)).collect();
            RefOr::T(Schema::OneOf(OneOf { items, default: None, ..choice.clone() }))
        }
        // A list is sent whole.
        RefOr::T(Schema::Array(list)) => {
            let mut list = list.clone();
            list.default = None;
            RefOr::T(Schema::Array(list))
        }
        RefOr::T(_) => schema.clone(),
    }
}

fn has_fields(schema: &RefOr<Schema>) -> bool {
    matches!(schema, RefOr::T(Schema::Object(object)) if !object.properties.is_empty())
}

fn is_null(schema: &RefOr<Schema>) -> bool {
    matches!(schema, RefOr::T(Schema::Object(object)) if object.schema_type == SchemaType::Type(Type::Null))
}

/// The same, or `null`.
fn or_null(schema: RefOr<Schema>) -> RefOr<Schema> {
    let with_null = |kind: &mut SchemaType| match kind {
        SchemaType::Type(one) if *one != Type::Null => *kind = SchemaType::Array(vec![one.clone(), Type::Null]),
        SchemaType::Array(kinds) if !kinds.contains(&Type::Null) => kinds.push(Type::Null),
        _ => {}
    };
    match schema {
        RefOr::T(Schema::Object(mut object)) if object.enum_values.is_none() => {
            with_null(&mut object.schema_type);
            RefOr::T(Schema::Object(object))
        }
        RefOr::T(Schema::Array(mut list)) => {
            with_null(&mut list.schema_type);
            RefOr::T(Schema::Array(list))
        }
        RefOr::T(Schema::OneOf(mut choice)) => {
            if !choice.items.iter().any(is_null) {
                choice.items.push(null());
            }
            RefOr::T(Schema::OneOf(choice))
        }
        other => RefOr::T(Schema::OneOf(OneOf { items: vec![other, null()], ..OneOf::default() })),
    }
}

fn null() -> RefOr<Schema> {
    RefOr::T(Schema::Object(Object::with_type(Type::Null)))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
    #[serde(deny_unknown_fields)]
    struct Page {
        title: String,
        #[serde(default)]
        look: Look,
        #[serde(default)]
        author: Option<String>,
        #[serde(default)]
        words: BTreeMap<String, u8>,
    }

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
    #[serde(default, deny_unknown_fields)]
    struct Look {
        colour: String,
        marks: Vec<Mark>,
    }

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
    struct Mark {
        at: u32,
    }

    fn page() -> Page {
        let look = Look { colour: "red".into(), marks: vec![Mark { at: 1 }] };
        Page { title: "Sea".into(), look, author: Some("Anna".into()), words: [("a".to_owned(), 1)].into() }
    }

    fn planned(change: Value) -> Result<Page, Problem> {
        MergePatch { change, of: PhantomData }.onto(&page())
    }

    #[test]
    fn what_is_left_out_stays_and_null_puts_back_what_is_usual() {
        assert_eq!(planned(json!({})).unwrap(), page());
        let Page { title, look, author, words } =
            planned(json!({ "look": { "colour": null }, "author": null, "words": { "a": null, "b": 2 } })).unwrap();
        assert_eq!((title.as_str(), look.colour.as_str(), look.marks.len(), author), ("Sea", "", 1, None));
        assert_eq!(words, [("b".to_owned(), 2)].into());
        for bad in [json!({ "titel": "x" }), json!({ "title": null }), json!({ "look": { "marks": 1 } }), json!([1])] {
            assert!(planned(bad.clone()).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_contract_of_a_patch_is_made_from_what_it_changes() {
        type PagePatch = MergePatch<Page>;
        assert_eq!(PagePatch::name(), "PagePatch");
        let mut parts = Vec::new();
        PagePatch::schemas(&mut parts);
        let parts: Schemas = parts.into_iter().collect();
        let names: Vec<&str> = parts.keys().map(String::as_str).collect();
        assert_eq!(names, ["Look", "LookPatch", "Mark"], "a list is sent whole");
        let whole = json!({ "components": { "schemas": parts }, "allOf": [PagePatch::schema()] });
        let valid = jsonschema::validator_for(&whole).unwrap();
        for good in [
            json!({}),
            json!({ "title": "x" }),
            json!({ "author": null, "look": null }),
            json!({ "look": { "colour": null, "marks": null } }),
            json!({ "words": { "a": null, "b": 1 } }),
        ] {
            assert!(valid.is_valid(&good) && planned(good.clone()).is_ok(), "{good}: {whole}");
        }
        for bad in [
            json!({ "title": null }),
            json!({ "look": { "color": "red" } }),
            json!({ "look": { "marks": [{}] } }),
            json!({ "words": { "a": "one" } }),
        ] {
            assert!(!valid.is_valid(&bad) && planned(bad.clone()).is_err(), "{bad}: {whole}");
        }
    }
}
