//! Header of a safetensors file: which tensors are in it, and what was written beside them. The tensors themselves are never
//! read. Format: <https://github.com/huggingface/safetensors>, "Format".

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

/// Bytes before the header: its length, little-endian.
pub const LENGTH_BYTES: u64 = 8;
/// The longest header that is read, in bytes. A LoRA of a large model with all its tags has less than one MiB.
pub const MOST_HEADER: u64 = 8 << 20;
/// The most tensors a header may name. A LoRA of a large model has a few thousand.
const MOST_TENSORS: usize = 100_000;
/// The most dimensions of a tensor.
const MOST_DIMENSIONS: usize = 8;

/// What a safetensors file says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Header {
    /// Its tensors, by name.
    pub tensors: BTreeMap<String, Tensor>,
    /// What its maker wrote beside them, e.g. `ss_base_model_version`.
    pub metadata: BTreeMap<String, String>,
}

/// A tensor, as the header names it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tensor {
    /// Type of its elements: `F16`, `BF16`, `F32`...
    pub dtype: String,
    /// Elements along each dimension; none for a single number.
    pub shape: Vec<u64>,
    /// Where it begins and ends, in bytes after the header.
    data_offsets: [u64; 2],
}

/// Why a file is no safetensors file that can be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum LoraFault {
    /// The disk does not give it.
    Unreadable {
        /// What the system says of it.
        said: String,
    },
    /// It is shorter than the shortest one.
    Short,
    /// Its header would be longer than is read, or than the file is.
    Long {
        /// What it says the header's length is, in bytes.
        bytes: u64,
    },
    /// Its header is no JSON object of tensors.
    NotAHeader,
    /// A tensor in it cannot be: its bytes are not as many as its shape and type need, or it shares them with another one.
    Impossible {
        /// Name of the tensor, at most 200 characters of it.
        tensor: String,
    },
    /// It ends before its last tensor does, as a download that was cut off.
    Cut {
        /// Bytes that are missing at its end.
        missing: u64,
    },
    /// There is more in it than its tensors.
    Trailing {
        /// Bytes that belong to no tensor.
        bytes: u64,
    },
}

impl fmt::Display for LoraFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { said } => write!(f, "it cannot be read: {said}"),
            Self::Short | Self::NotAHeader => {
                f.write_str("by its content it is no safetensors file; save it again as .safetensors")
            }
            Self::Long { bytes } => {
                write!(
                    f,
                    "it says that its header has {bytes} bytes, which no LoRA has; get it again from where it is from"
                )
            }
            Self::Impossible { tensor } => {
                write!(f, "its tensor '{tensor}' cannot be as the header says; get it again from where it is from")
            }
            Self::Cut { missing } => {
                write!(f, "it is cut off: {missing} bytes are missing at its end; get it again from where it is from")
            }
            Self::Trailing { bytes } => {
                write!(f, "{bytes} bytes in it belong to nothing; get it again from where it is from")
            }
        }
    }
}

impl std::error::Error for LoraFault {}

/// How many bytes of header come after the first eight, of a file of `file` bytes.
///
/// # Errors
/// It is too short, or would be longer than [`MOST_HEADER`] or the file.
pub fn header_length(first: [u8; 8], file: u64) -> Result<u64, LoraFault> {
    let Some(rest) = file.checked_sub(LENGTH_BYTES).filter(|rest| *rest >= 2) else { return Err(LoraFault::Short) };
    let bytes = u64::from_le_bytes(first);
    match bytes {
        0 | 1 => Err(LoraFault::NotAHeader),
        _ if bytes > MOST_HEADER => Err(LoraFault::Long { bytes }),
        _ if bytes > rest => Err(LoraFault::Cut { missing: bytes - rest }),
        _ => Ok(bytes),
    }
}

impl Header {
    /// Reads a header of a file that has `data` bytes after it.
    ///
    /// # Errors
    /// It is none, or does not fit what is there.
    pub fn read(json: &[u8], data: u64) -> Result<Self, LoraFault> {
        // Padding is blanks at the end, and nothing else comes before the brace.
        if json.first() != Some(&b'{') {
            return Err(LoraFault::NotAHeader);
        }
        let mut all: BTreeMap<String, Entry> = serde_json::from_slice(json).map_err(|_| LoraFault::NotAHeader)?;
        let metadata = match all.remove("__metadata__") {
            None => BTreeMap::new(),
            Some(Entry::Metadata(metadata)) => metadata,
            Some(Entry::Tensor(_)) => return Err(LoraFault::NotAHeader),
        };
        if all.is_empty() || all.len() > MOST_TENSORS {
            return Err(LoraFault::NotAHeader);
        }
        let mut tensors = BTreeMap::new();
        for (name, entry) in all {
            match entry {
                Entry::Tensor(tensor) if tensor.is_possible() => drop(tensors.insert(name, tensor)),
                Entry::Tensor(_) => return Err(impossible(&name)),
                Entry::Metadata(_) => return Err(LoraFault::NotAHeader),
            }
        }
        let header = Self { tensors, metadata };
        header.fills(data)?;
        Ok(header)
    }

    /// The tensors lie one after another from the first byte to the last.
    fn fills(&self, data: u64) -> Result<(), LoraFault> {
        let mut parts: Vec<(&[u64; 2], &String)> =
            self.tensors.iter().map(|(name, tensor)| (&tensor.data_offsets, name)).collect();
        parts.sort_unstable();
        let mut end = 0;
        for ([from, to], name) in parts {
            if *from != end {
                return Err(impossible(name));
            }
            end = *to;
        }
        match end {
            _ if end > data => Err(LoraFault::Cut { missing: end - data }),
            _ if end < data => Err(LoraFault::Trailing { bytes: data - end }),
            _ => Ok(()),
        }
    }
}

fn impossible(name: &str) -> LoraFault {
    LoraFault::Impossible { tensor: name.chars().filter(|sign| !sign.is_control()).take(200).collect() }
}

/// What stands behind a name of the header.
#[derive(Deserialize)]
#[serde(untagged)]
enum Entry {
    Tensor(Tensor),
    Metadata(BTreeMap<String, String>),
}

impl Tensor {
    /// Its bytes are as many as its elements need.
    fn is_possible(&self) -> bool {
        let [from, to] = self.data_offsets;
        let Some(bytes) = to.checked_sub(from) else { return false };
        if self.shape.len() > MOST_DIMENSIONS {
            return false;
        }
        let elements = self.shape.iter().try_fold(1_u64, |all, one| all.checked_mul(*one));
        let Some(elements) = elements else { return false };
        match bits_of(&self.dtype) {
            Some(bits) => elements.checked_mul(bits) == bytes.checked_mul(8),
            // A type of later: whatever it needs, it is no less than nothing.
            None => self.dtype.len() <= 16,
        }
    }
}

/// Bits of an element.
fn bits_of(dtype: &str) -> Option<u64> {
    Some(match dtype {
        "BOOL" | "U8" | "I8" | "F8_E4M3" | "F8_E5M2" | "F8_E8M0" => 8,
        "U16" | "I16" | "F16" | "BF16" => 16,
        "U32" | "I32" | "F32" => 32,
        "U64" | "I64" | "F64" | "C64" => 64,
        _ => return None,
    })
}
