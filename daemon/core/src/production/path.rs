//! Path: jobs as they are kept, by their path.

/// A job, kept as its path.
pub(super) mod text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use crate::job::Job;

    pub fn serialize<S: Serializer>(job: &Job, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(job)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Job, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

/// Maps by job, kept as JSON objects by path.
pub(super) mod keys {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    use crate::job::Job;

    pub fn serialize<S: Serializer, V: Serialize>(map: &BTreeMap<Job, V>, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(map.iter().map(|(job, value)| (job.path(), value)).collect::<BTreeMap<_, _>>())
    }

    pub fn deserialize<'de, D: Deserializer<'de>, V: Deserialize<'de>>(from: D) -> Result<BTreeMap<Job, V>, D::Error> {
        let by_path = BTreeMap::<String, V>::deserialize(from)?;
        by_path.into_iter().map(|(path, value)| Ok((path.parse().map_err(D::Error::custom)?, value))).collect()
    }
}
