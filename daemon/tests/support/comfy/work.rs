//! Work: the one worker that runs prompts, caches nodes and writes files.

use std::{collections::BTreeMap, process::Command, sync::Arc};

use serde_json::{Value, json};

use super::{Fault, Item, Logged, Shared};

/// Nodes of ComfyUI's core that the recording of schemas leaves out.
pub fn extra(class: &str) -> Option<&'static Value> {
    static EXTRA: std::sync::OnceLock<BTreeMap<&'static str, Value>> = std::sync::OnceLock::new();
    EXTRA
        .get_or_init(|| {
            let output = json!({ "input": { "required": {} }, "output_node": true });
            let plain = json!({ "input": { "required": {} }, "output_node": false });
            BTreeMap::from([("EmptyImage", plain.clone()), ("RepeatImageBatch", plain), ("SaveAnimatedWEBP", output)])
        })
        .get(class)
}

/// Runs prompts for ever.
pub async fn work(fake: Arc<Shared>) {
    loop {
        let next = {
            let mut inner = fake.inner();
            if std::mem::take(&mut inner.free_asked) {
                inner.loaded = false;
                inner.cache.clear();
            }
            let first = inner
                .pending
                .iter()
                .enumerate()
                .min_by(|(_, a), (_, b)| a.number.total_cmp(&b.number))
                .map(|(at, _)| at);
            let alive = !inner.faults.contains(&Fault::DeadWorker);
            first.filter(|_| alive).map(|at| inner.pending.remove(at))
        };
        match next {
            Some(item) => run(&fake, item).await,
            None => fake.wake.notified().await,
        }
    }
}

fn class(graph: &Value, node: &str) -> String {
    graph[node]["class_type"].as_str().unwrap_or_default().to_owned()
}

/// Nodes in an order in which each comes after what it is linked to.
fn order(graph: &Value) -> Vec<String> {
    fn visit(graph: &Value, node: &str, seen: &mut Vec<String>) {
        if seen.iter().any(|known| known == node) {
            return;
        }
        for input in graph[node]["inputs"].as_object().into_iter().flat_map(|inputs| inputs.values()) {
            if let Some(from) = input.as_array().and_then(|link| link.first()?.as_str()) {
                visit(graph, from, seen);
            }
        }
        seen.push(node.to_owned());
    }
    let mut seen = Vec::new();
    for node in graph.as_object().into_iter().flat_map(|nodes| nodes.keys()) {
        visit(graph, node, &mut seen);
    }
    seen
}

/// Class, inputs and all ancestors: what the cache knows a node by.
fn signature(graph: &Value, node: &str) -> String {
    let inputs = graph[node]["inputs"].as_object().cloned().unwrap_or_default();
    let inputs: BTreeMap<String, String> = inputs
        .into_iter()
        .map(|(name, value)| match value.as_array().and_then(|link| link.first()?.as_str()) {
            Some(from) => (name, format!("[{}]", signature(graph, from))),
            None => (name, value.to_string()),
        })
        .collect();
    format!("{}{inputs:?}", class(graph, node))
}

enum End {
    Good,
    Bad(&'static str, Value),
}

async fn run(fake: &Arc<Shared>, item: Item) {
    let id = item.id.clone();
    fake.inner().running = Some((id.clone(), item.graph.clone(), item.extra.clone(), item.number));
    fake.note(Logged::Ran(id.clone()));
    let client = item.client.clone().unwrap_or_default();
    let to = Some(client.as_str());
    fake.tell(to, "execution_start", &json!({ "prompt_id": id, "timestamp": 1 }));
    let nodes = order(&item.graph);
    let cached: Vec<String> = {
        let inner = fake.inner();
        nodes.iter().filter(|node| inner.cache.contains_key(&signature(&item.graph, node))).cloned().collect()
    };
    fake.tell(to, "execution_cached", &json!({ "nodes": cached, "prompt_id": id }));
    let mut outputs = json!({});
    let mut end = End::Good;
    for node in &nodes {
        let key = signature(&item.graph, node);
        let known = fake.inner().cache.get(&key).cloned();
        if let Some(known) = known {
            if !known.is_null() {
                outputs[node] = known;
            }
            continue;
        }
        fake.tell(to, "executing", &json!({ "node": node, "display_node": node, "prompt_id": id }));
        if let Err(bad) = steps(fake, &item, node, &client).await {
            end = bad;
            break;
        }
        let made = save(fake, &item.graph, node);
        if let Some(made) = &made {
            outputs[node] = made.clone();
            fake.tell(to, "executed", &json!({ "node": node, "display_node": node, "output": made, "prompt_id": id }));
        }
        fake.inner().cache.insert(key, made.unwrap_or(Value::Null));
    }
    finish(fake, &item, to, &outputs, &end);
}

fn finish(fake: &Arc<Shared>, item: &Item, to: Option<&str>, outputs: &Value, end: &End) {
    let id = item.id.as_str();
    let (word, message, mut data) = match end {
        End::Good => ("success", "execution_success", json!({})),
        End::Bad(message, data) => ("error", *message, data.clone()),
    };
    data["prompt_id"] = json!(id);
    // The message comes before the entry, as from the real server.
    fake.tell(to, message, &data);
    let entry = json!({ "prompt": [item.number, id, item.graph, item.extra, item.outputs], "outputs": outputs,
        "status": { "status_str": word, "completed": word == "success",
            "messages": [["execution_start", { "prompt_id": id }], [message, data]] }, "meta": {} });
    {
        let mut inner = fake.inner();
        inner.history.insert(id.to_owned(), entry);
        inner.done.push(id.to_owned());
        inner.running = None;
        inner.interrupt = false;
        // An OOM unloads everything; otherwise the model stays.
        inner.loaded = !matches!(end, End::Bad("execution_error", _));
    }
    let how = match end {
        End::Good => "success",
        End::Bad("execution_interrupted", _) => "interrupted",
        End::Bad(..) => "error",
    };
    fake.status();
    fake.tell(to, "executing", &json!({ "node": null, "prompt_id": id }));
    fake.note(Logged::Ended(id.to_owned(), how));
}

fn exception(node: &str, class: &str, kind: &str, message: &str) -> End {
    End::Bad(
        "execution_error",
        json!({ "node_id": node, "node_type": class, "exception_type": kind, "exception_message": message,
            "executed": [], "traceback": ["..."], "current_inputs": {}, "timestamp": 2 }),
    )
}

/// Held until the test lets go or somebody interrupts.
async fn wait(fake: &Arc<Shared>, mut held: tokio::sync::watch::Receiver<bool>) {
    while *held.borrow() && !fake.inner().interrupt {
        tokio::select! {
            _ = held.changed() => {}
            () = fake.wake.notified() => {}
        }
    }
}

/// A sampler counts; FramePack counts again for every section, each value twice.
async fn steps(fake: &Arc<Shared>, item: &Item, node: &str, client: &str) -> Result<(), End> {
    let class = class(&item.graph, node);
    let samples = class.contains("Sampler") && class != "KSamplerSelect" && class != "ModelSamplingSD3";
    // Workflows without a sampler are held and broken at the node that scales, saves or repeats.
    let stands_in = !order(&item.graph).iter().any(|other| self::class(&item.graph, other).contains("Sampler"));
    if !(samples
        || class == "TrainLoraNode"
        || stands_in && matches!(class.as_str(), "EmptyImage" | "ImageScale" | "RepeatImageBatch"))
    {
        return Ok(());
    }
    let oom: super::Counted = |fault| if let Fault::OutOfMemory(left) = fault { Some(left) } else { None };
    let unless = fake.inner().faults.iter().find_map(|fault| match fault {
        Fault::OutOfMemoryUnless(class) => Some(*class),
        _ => None,
    });
    let full = unless.is_some_and(|wanted| !item.graph.to_string().contains(wanted)) || fake.counted(oom).is_some();
    if full {
        let message = "Allocation on device 0 would exceed allowed memory. (out of memory)\nThis error means you ran out of memory on your GPU.";
        return Err(exception(node, &class, "torch.OutOfMemoryError", message));
    }
    let raised: super::Counted = |fault| if let Fault::Exception(left, ..) = fault { Some(left) } else { None };
    if let Some(Fault::Exception(_, kind, message)) = fake.counted(raised) {
        return Err(exception(node, &class, kind, message));
    }
    if fake.once(|fault| *fault == Fault::Interrupted).is_some() {
        fake.inner().interrupt = true;
    }
    let sections = if class.contains("FramePack") { 2 } else { 1 };
    let repeats = if class.contains("FramePack") { 2 } else { 1 };
    let (middle, end) = (fake.held.subscribe(), fake.held_at_end.subscribe());
    let trains = class == "TrainLoraNode";
    let all = if trains { item.graph[node]["inputs"]["steps"].as_u64().unwrap_or(4) } else { 4 };
    for section in 0..sections {
        for step in 1..=all {
            if trains {
                print_step(fake, step, all);
            }
            for _ in 0..repeats {
                let data = json!({ "value": step, "max": all, "prompt_id": item.id, "node": node });
                fake.tell(Some(client), "progress", &data);
            }
            let bytes = match fake.once(|fault| matches!(fault, Fault::LargePreview(_))) {
                Some(Fault::LargePreview(bytes)) => vec![0xff; bytes],
                _ => glimpse(step.min(4) as u8),
            };
            fake.preview(client, &item.id, node, &bytes);
            if section == 0 && step == 2 {
                wait(fake, middle.clone()).await;
            }
            if section == sections - 1 && step == all {
                wait(fake, end.clone()).await;
            }
            tokio::task::yield_now().await;
            if fake.inner().interrupt {
                return Err(End::Bad(
                    "execution_interrupted",
                    json!({ "node_id": node, "node_type": class, "executed": [] }),
                ));
            }
        }
    }
    Ok(())
}

/// A step of a training on the console, as tqdm writes it.
fn print_step(fake: &Arc<Shared>, step: u64, all: u64) {
    let loss = if fake.has(&Fault::LossIsNan) { "nan".to_owned() } else { format!("{:.4}", 0.5 + 1.0 / step as f64) };
    let percent = step * 100 / all.max(1);
    fake.print(format!(
        "\rTraining LoRA: {percent:3}%|###  | {step}/{all} [00:01<00:01,  1.00s/it, loss={loss}, bucket=0]"
    ));
}

/// A LoRA of SD 1.5 with one layer, named as the real node names them, where the real one puts it: the history says nothing of it.
fn save_lora(fake: &Arc<Shared>, graph: &Value, node: &str) {
    let inputs = &graph[node]["inputs"];
    let prefix = inputs["prefix"].as_str().unwrap_or("loras/lora");
    let trainer = &graph[inputs["lora"][0].as_str().unwrap_or_default()]["inputs"];
    let existing = trainer["existing_lora"].as_str().unwrap_or_default();
    // The real one reads it so, and fails where there is no number.
    let before: u64 =
        existing.split("_steps_").next().and_then(|name| name.rsplit('_').next()?.parse().ok()).unwrap_or(0);
    let steps = before + trainer["steps"].as_u64().unwrap_or(0);
    let rank = trainer["rank"].as_u64().unwrap_or(4);
    let (down, all) = (rank * 768 * 2, rank * (768 + 1280) * 2);
    let layer = "diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k";
    let header = json!({
        format!("{layer}.lora_down.weight"): { "dtype": "BF16", "shape": [rank, 768], "data_offsets": [0, down] },
        format!("{layer}.lora_up.weight"): { "dtype": "BF16", "shape": [1280, rank], "data_offsets": [down, all] },
    });
    let header = header.to_string();
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.as_bytes());
    // Every training leaves other numbers.
    file.extend((0..all).map(|at| (at + steps) as u8));
    if fake.once(|fault| *fault == Fault::SavesHalf).is_some() {
        file.truncate(file.len() / 2);
    }
    if fake.once(|fault| *fault == Fault::SavesNothing).is_some() {
        return;
    }
    let path = fake.folder.join("output").join(format!("{prefix}_{steps}_steps_00001_.safetensors"));
    std::fs::create_dir_all(path.parent().expect("it has a folder")).expect("the folder can be made");
    std::fs::write(path, file).expect("the LoRA is written");
}

/// The first number of that name among a node's ancestors.
fn number(graph: &Value, node: &str, names: &[&str]) -> Option<u64> {
    let inputs = graph[node]["inputs"].as_object()?;
    let own = names.iter().find_map(|name| inputs.get(*name)?.as_f64());
    own.map(|number| number as u64).or_else(|| {
        let links = inputs.values().filter_map(|value| value.as_array()?.first()?.as_str());
        {
            let mut links = links;
            links.find_map(|from| number(graph, from, names))
        }
    })
}

/// What an output node writes, as the history names it.
fn save(fake: &Arc<Shared>, graph: &Value, node: &str) -> Option<Value> {
    let class = class(graph, node);
    let video = matches!(class.as_str(), "SaveVideo" | "VHS_VideoCombine");
    let audio = class == "SaveAudio";
    if class == "SaveLoRA" {
        save_lora(fake, graph, node);
    }
    if !video && !audio && class != "SaveImage" {
        return None;
    }
    let prefix = graph[node]["inputs"]["filename_prefix"].as_str().unwrap_or("ComfyUI").to_owned();
    let (folder, stem) =
        prefix.rsplit_once('/').map_or((String::new(), prefix.clone()), |(f, s)| (f.to_owned(), s.to_owned()));
    let to = fake.folder.join("output").join(&folder);
    std::fs::create_dir_all(&to).expect("the folder can be made");
    let ext = if video {
        "mp4"
    } else if audio {
        "flac"
    } else {
        "png"
    };
    let count = (1..100_000).find(|count| !to.join(format!("{stem}_{count:05}_.{ext}")).exists()).unwrap_or(1);
    let name = format!("{stem}_{count:05}_.{ext}");
    let seed = number(graph, node, &["seed", "noise_seed", "color"]).unwrap_or(7);
    if video {
        let seconds = graph.to_string().contains("total_second_length");
        let fps = number(graph, node, &["fps"]).unwrap_or(if seconds { 30 } else { 16 });
        let frames = number(graph, node, &["length", "batch_size", "amount"]).filter(|_| !seconds);
        let frames = frames.unwrap_or_else(|| {
            let text = graph.to_string();
            let at = text.find("\"total_second_length\":").map_or(0, |at| at + 22);
            let value: f64 = text[at..].split([',', '}']).next().and_then(|n| n.parse().ok()).unwrap_or(1.0);
            36 * ((value * 30.0 / 36.0).round().max(1.0) as u64) + 1
        });
        film(&to.join(&name), frames.max(1), fps.max(1), seed);
    } else if audio {
        tune(&to.join(&name), number(graph, node, &["seconds"]).unwrap_or(1), seed);
    } else {
        picture(&to.join(&name), seed);
    }
    let hostile = fake.inner().faults.iter().find_map(|fault| match fault {
        Fault::HostileName(name) => Some((*name).to_owned()),
        _ => None,
    });
    let file = json!({ "filename": hostile.unwrap_or(name), "subfolder": folder, "type": "output" });
    let key = match class.as_str() {
        "VHS_VideoCombine" => "gifs",
        "SaveAudio" => "audio",
        _ => "images",
    };
    Some(json!({ key: [file] }))
}

/// A preview after so many steps: a JPEG that gets lighter.
fn glimpse(step: u8) -> Vec<u8> {
    let mut jpeg = std::io::Cursor::new(Vec::new());
    let picture = image::RgbImage::from_pixel(96, 54, image::Rgb([30 + step * 40, 60, 90]));
    picture.write_to(&mut jpeg, image::ImageFormat::Jpeg).expect("memory is enough");
    jpeg.into_inner()
}

/// A small picture with enough in it to pass for one.
fn picture(path: &std::path::Path, seed: u64) {
    let at = |x: u32, y: u32| {
        let wave = ((x * 13 + y * 7 + seed as u32 % 97) % 64) as u8;
        image::Rgb([60 + wave * 2, 90 + (seed % 50) as u8 + wave, 200 - wave * 2])
    };
    image::RgbImage::from_fn(192, 108, at).save(path).expect("the picture is written");
}

/// Music of a length, as FLAC at the rate of the first ACE-Step.
fn tune(path: &std::path::Path, seconds: u64, seed: u64) {
    let source = format!("sine=f={}:r=44100:d={seconds}", 200 + seed % 400);
    let made =
        Command::new("ffmpeg").args(["-v", "error", "-y", "-f", "lavfi", "-i", &source, "-ac", "2"]).arg(path).status();
    assert!(made.is_ok_and(|made| made.success()), "ffmpeg makes the fake's music");
}

/// A film that moves, of exactly so many frames.
fn film(path: &std::path::Path, frames: u64, fps: u64, seed: u64) {
    let source = format!("testsrc2=s=192x108:r={fps},hue=h={}", seed % 360);
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "lavfi", "-i", &source, "-frames:v", &frames.to_string()])
        .args(["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-threads", "1"])
        .arg(path)
        .status();
    assert!(made.is_ok_and(|made| made.success()), "ffmpeg makes the fake's films");
}
