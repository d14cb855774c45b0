#!/usr/bin/env python3
"""A trainer that trains nothing: it takes, says and writes what kohya's sd-scripts do.

Standard library only. What goes wrong is chosen by variables of the environment:
FAKE_TRAINER_OOM_AT=step, NAN_AT=step, HANG_AT=step, ENOSPC_AT=step, KILL_AT=step (steps of the process, from 1),
TRUNCATE=1 (checkpoints are cut), EXIT0_NO_FILE=1, EXIT1_AT_END=1, FLOOD=bytes, SILENT=1 (says nothing, does nothing),
OOM_UNLESS=a part of an argument, STEP_MS=milliseconds of a step, EPOCH_MS=milliseconds before the next epoch,
KILL_IN or ENOSPC_IN=checkpoint or state (in the middle of saving one), WRONG_BASE=1 (the LoRA is of the other architecture).
What the environment does not say, a file switches.json beside this one may: names without FAKE_TRAINER_.
FAKE_TRAINER_MARKS=folder: files that tests wait for are put there: 'step-N', 'hanging', 'silent', 'argv-N' with its arguments.
"""
import argparse
import hashlib
import json
import math
import os
import pathlib
import pickle
import shutil
import struct
import sys
import time
import tomllib


def switch(name):
    said = pathlib.Path(__file__).with_name("switches.json")
    written = json.loads(said.read_text()) if said.is_file() else {}
    return os.environ.get("FAKE_TRAINER_" + name, written.get(name, ""))


def broken_off(what):
    """In the middle of saving a file."""
    if switch("KILL_IN") == what:
        os.kill(os.getpid(), 9)
    if switch("ENOSPC_IN") == what:
        raise OSError(28, "No space left on device")


def at(name, step):
    return switch(name) and int(switch(name)) == step


def mark(name, text=""):
    folder = switch("MARKS")
    if folder:
        path = pathlib.Path(folder) / name
        part = path.with_name("." + name + ".part")
        part.write_text(text)
        os.replace(part, path)


def arguments(sdxl):
    parser = argparse.ArgumentParser(prog=os.path.basename(sys.argv[0]), allow_abbrev=False)
    for name in (
        "pretrained_model_name_or_path dataset_config tokenizer_cache_dir output_dir output_name save_model_as "
        "save_precision network_module optimizer_type lr_scheduler mixed_precision training_comment resume network_weights"
    ).split():
        parser.add_argument("--" + name)
    for name in (
        "max_train_epochs save_every_n_epochs save_last_n_epochs_state seed max_data_loader_n_workers lr_warmup_steps "
        "network_dim clip_skip initial_epoch"
    ).split():
        parser.add_argument("--" + name, type=int)
    for name in "network_alpha learning_rate text_encoder_lr min_snr_gamma".split():
        parser.add_argument("--" + name, type=float)
    for name in (
        "save_state console_log_simple sdpa gradient_checkpointing cache_latents persistent_data_loader_workers "
        "no_half_vae network_train_unet_only cache_text_encoder_outputs fp8_base v_parameterization zero_terminal_snr"
    ).split():
        parser.add_argument("--" + name, action="store_true")
    parser.add_argument("--optimizer_args", nargs="*")
    return parser.parse_args()


SUBSET = set(
    "image_dir class_tokens caption_extension num_repeats shuffle_caption keep_tokens keep_tokens_separator "
    "secondary_separator enable_wildcard caption_prefix caption_suffix caption_dropout_rate caption_tag_dropout_rate "
    "color_aug flip_aug face_crop_aug_range random_crop is_reg alpha_mask cache_info".split()
)
DATASET = SUBSET - {"image_dir", "num_repeats", "is_reg", "class_tokens"} | set(
    "batch_size resolution enable_bucket min_bucket_reso max_bucket_reso bucket_reso_steps bucket_no_upscale "
    "validation_split validation_seed subsets".split()
)


class MultipleInvalid(Exception):
    pass


MultipleInvalid.__module__ = "voluptuous.error"


def only(known, table, where):
    for key in table:
        if key not in known:
            raise MultipleInvalid(f"extra keys not allowed @ data{where}['{key}']")


def read_dataset(path, steps, cached):
    config = tomllib.loads(pathlib.Path(path).read_text())
    only({"general", "datasets"}, config, "")
    general = config.get("general", {})
    only(DATASET - {"subsets"}, general, "['general']")
    if cached:
        assert not general.get("shuffle_caption"), "when caching Text Encoder output, shuffle_caption cannot be used"
    pictures, held_out, batches = [], [], 0
    for at_set, dataset in enumerate(config["datasets"]):
        only(DATASET, dataset, f"['datasets'][{at_set}]")
        assert dataset.get("bucket_reso_steps", 64) % steps == 0, f"bucket_reso_steps must be divisible by {steps}"
        seen = 0
        for at_subset, subset in enumerate(dataset["subsets"]):
            only(SUBSET, subset, f"['datasets'][{at_set}]['subsets'][{at_subset}]")
            extension = {**general, **dataset, **subset}.get("caption_extension", ".caption")
            for image in sorted(pathlib.Path(subset["image_dir"]).iterdir()):
                if image.suffix.lower() not in (".png", ".jpg", ".jpeg", ".webp"):
                    continue
                caption_file = image.with_suffix(extension)
                caption = ""
                if caption_file.exists():
                    lines = caption_file.read_text().splitlines()
                    assert lines, f"caption file is empty: {caption_file}"
                    caption = lines[0].strip()
                else:
                    print(f"no caption file found for {image}", flush=True)
                one = (image.read_bytes(), caption)
                if dataset.get("validation_split", 0.0) >= 1.0:
                    held_out.append(one)
                else:
                    pictures.append(one)
                    seen += subset.get("num_repeats", 1)
        batches += math.ceil(seen / dataset.get("batch_size", general.get("batch_size", 1)))
    if not pictures:
        raise SystemExit("No data found. Please verify arguments")
    return pictures, held_out, batches


def tensors(sdxl, rank, digest):
    width = 2048 if sdxl else 768
    block = "lora_unet_input_blocks_4_1" if sdxl else "lora_unet_down_blocks_0_attentions_0"
    layer = block + "_transformer_blocks_0_attn2_to_k"
    shapes = {layer + ".alpha": [], layer + ".lora_down.weight": [rank, width], layer + ".lora_up.weight": [4, rank]}
    header, data = {}, b""
    for name, shape in shapes.items():
        length = 2 * math.prod(shape)
        content = hashlib.shake_128(digest + name.encode()).digest(length)
        header[name] = {"dtype": "F16", "shape": shape, "data_offsets": [len(data), len(data) + length]}
        data += content
    return header, data


def save_model(path, args, sdxl, pictures, epoch, steps, epochs):
    print(f"\nsaving checkpoint: {path}", flush=True)
    sdxl = sdxl != bool(switch("WRONG_BASE"))
    digest = hashlib.sha256(f"{args.seed} {epoch}".encode())
    for image, caption in pictures:
        digest.update(hashlib.sha256(image).digest() + caption.encode())
    header, data = tensors(sdxl, args.network_dim or 4, digest.digest())
    tags = {}
    for _, caption in pictures:
        for tag in caption.split(","):
            tags[tag.strip()] = tags.get(tag.strip(), 0) + 1
    header["__metadata__"] = {
        "ss_base_model_version": "sdxl_base_v1-0" if sdxl else "sd_v1",
        "modelspec.architecture": "stable-diffusion-xl-v1-base/lora" if sdxl else "stable-diffusion-v1/lora",
        "ss_network_module": str(args.network_module),
        "ss_network_dim": str(args.network_dim),
        "ss_network_alpha": str(args.network_alpha),
        "ss_output_name": str(args.output_name),
        "ss_epoch": str(epoch),
        "ss_steps": str(steps),
        "ss_num_epochs": str(epochs),
        "ss_training_comment": str(args.training_comment),
        "ss_num_train_images": str(len(pictures)),
        "ss_dataset_dirs": json.dumps({"data": {"n_repeats": 1, "img_count": len(pictures)}}),
        "ss_tag_frequency": json.dumps({"data": tags}),
    }
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    whole = struct.pack("<Q", len(text)) + text + data
    if switch("TRUNCATE"):
        whole = whole[: len(whole) - 100]
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(whole[: len(whole) // 2])
        file.flush()
        broken_off("checkpoint")
        file.write(whole[len(whole) // 2 :])


def save_state(folder, epoch, steps, digest):
    folder.mkdir(parents=True, exist_ok=True)
    state = {"current_epoch": epoch, "current_step": steps}
    print(f"INFO     Saving current state to {folder}", flush=True)
    print(f"INFO     save train state to {folder}/train_state.json at epoch {epoch} step {steps}", flush=True)
    (folder / "train_state.json").write_text(json.dumps(state))
    for name in ("model.safetensors", "optimizer.bin", "scheduler.bin"):
        (folder / name).write_bytes(digest)
        if name == "optimizer.bin":
            broken_off("state")
        print(f"INFO     state saved in {folder}/{name}", flush=True)
    (folder / "random_states_0.pkl").write_bytes(pickle.dumps({"seed": digest}))
    print(f"INFO     Random states saved in {folder}/random_states_0.pkl", flush=True)


def load_state(folder):
    folder = pathlib.Path(folder)
    for name in ("model.safetensors", "optimizer.bin", "scheduler.bin", "random_states_0.pkl"):
        if not (folder / name).is_file():
            raise FileNotFoundError(f"[Errno 2] No such file or directory: '{folder / name}'")
    state = json.loads((folder / "train_state.json").read_text())
    print(f"INFO     load train state from {folder}/train_state.json: {state}", flush=True)
    return state["current_epoch"]


def bar(step, total, loss):
    share = 100 * step // total
    blocks = "█" * (share // 10)
    loss = "" if loss is None else f", avr_loss={loss:.3g}"
    text = f"steps: {share:3d}%|{blocks:<10}| {step}/{total} [00:{step % 60:02d}<00:12,  1.72s/it{loss}]\r"
    sys.stderr.write(text)
    sys.stderr.flush()


def validate(held_out, epoch):
    of, loss = 4 * len(held_out), 0.3 / (epoch + 1) + 0.1
    for done in range(1, of + 1):
        timestep = 200 * ((done - 1) % 4 + 1)
        blocks = "█" * (10 * done // of)
        text = f"epoch validation steps: {100 * done // of:3d}%|{blocks:<10}| {done}/{of} [00:01<00:02,  1.72it/s, "
        sys.stderr.write(text + f"val_epoch_avg_loss={loss:.3g}, timestep={timestep}]\x1b[A")
    sys.stderr.flush()


def one_step(step, total, before, loss):
    if at("OOM_AT", step) or switch("OOM_UNLESS") and not any(switch("OOM_UNLESS") in one for one in sys.argv):
        raise OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacity of 11.75 GiB")
    if at("ENOSPC_AT", step):
        raise OSError(28, "No space left on device")
    if at("HANG_AT", step):
        mark("hanging")
        while True:
            time.sleep(3600)
    if at("KILL_AT", step):
        os.kill(os.getpid(), 9)
    time.sleep(float(switch("STEP_MS") or 0) / 1000)
    bar(step, total, before)
    bar(step, total, math.nan if at("NAN_AT", step) else loss)
    mark(f"step-{step}")


class OutOfMemoryError(Exception):
    pass


OutOfMemoryError.__module__ = "torch"


def flood():
    line = b"noise " * 1000 + b"\n"
    for _ in range(int(switch("FLOOD") or 0) // len(line)):
        sys.stdout.buffer.write(line)
    sys.stdout.flush()


def train(sdxl):
    args = arguments(sdxl)
    folder = switch("MARKS")
    if folder:
        number = sum(1 for one in os.listdir(folder) if one.startswith("argv-"))
        mark(f"argv-{number}", "\n".join(sys.argv))
    if switch("SILENT"):
        mark("silent")
        while True:
            time.sleep(3600)
    pictures, held_out, per_epoch = read_dataset(args.dataset_config, 32 if sdxl else 64, args.cache_text_encoder_outputs)
    pathlib.Path(args.pretrained_model_name_or_path).stat()
    epochs, out = args.max_train_epochs, pathlib.Path(args.output_dir)
    total, begin = epochs * per_epoch, 0
    out.mkdir(parents=True, exist_ok=True)
    if args.network_weights:
        pathlib.Path(args.network_weights).read_bytes()
        print(f"load network weights from {args.network_weights}: <All keys matched successfully>", flush=True)
    if args.resume:
        begin = load_state(args.resume)
    if args.initial_epoch is not None:
        begin = args.initial_epoch - 1
    print("running training / 学習開始", flush=True)
    print(f"  total optimization steps / 学習ステップ数: {total}", flush=True)
    flood()
    bar(0, total, None)
    step, loss = 0, None
    for epoch in range(begin, epochs):
        print(f"\nepoch {epoch + 1}/{epochs}\n", flush=True)
        for within in range(per_epoch):
            step += 1
            # It falls, wavering by the seed, whatever process makes it.
            place = epoch * per_epoch + within
            waver = hashlib.sha256(f"{args.seed} {place}".encode()).digest()[0] / 2550
            before, loss = loss, 0.1 + 0.4 / (1 + place / 10) + waver
            one_step(step, total, before, loss)
        if held_out:
            validate(held_out, epoch)
        digest = hashlib.sha256(f"{args.seed} {epoch}".encode()).digest()
        name = f"{args.output_name}-{epoch + 1:06d}"
        if epoch + 1 < epochs and args.save_every_n_epochs and not switch("EXIT0_NO_FILE"):
            save_model(out / f"{name}.safetensors", args, sdxl, pictures, epoch + 1, step, epochs)
            if args.save_state:
                print(f"\nsaving state at epoch {epoch + 1}", flush=True)
                save_state(out / f"{name}-state", epoch + 1, step, digest)
                if args.save_last_n_epochs_state:
                    old = out / f"{args.output_name}-{epoch + 1 - args.save_last_n_epochs_state:06d}-state"
                    if old.exists():
                        print(f"removing old state: {old}", flush=True)
                        shutil.rmtree(old)
                # A real epoch takes minutes: whoever ends it here is in time.
                time.sleep(float(switch("EPOCH_MS") or 0) / 1000)
    if switch("EXIT0_NO_FILE"):
        return
    if args.save_state:
        print("\nsaving last state.", flush=True)
        save_state(out / f"{args.output_name}-state", epochs, step, digest)
    save_model(out / f"{args.output_name}.safetensors", args, sdxl, pictures, epochs, step, epochs)
    print("INFO     model saved.", flush=True)
    if switch("EXIT1_AT_END"):
        raise RuntimeError("something at the very end")


if __name__ == "__main__":
    train(sdxl=False)
