//! LoRA files: what a trained addition is for, by what its file says of itself. A program that renders does not say that an
//! addition does not fit its model, it leaves it out: so this is found out before.

mod about;
mod header;
mod kept;

pub use about::{Architecture, LoraAbout, LoraKind, about};
pub use header::{Header, LENGTH_BYTES, LoraFault, MOST_HEADER, Tensor, header_length};
pub use kept::{KeptLora, LONGEST_NAME, MOST_STRENGTH, file_name, lora_name};
