//! Framing: who stands where, how large, and what the camera sees of the place.

use studio_core::{
    character::{Age, Staging},
    order::{Figure, StillOrder},
    scene::{Look, TimeOfDay, Weather},
    shot::{CameraAngle, ShotType},
};

use super::{
    appearance::Appearance,
    centred,
    dice::Dice,
    palette::{self, Palette},
    place::{self, Place},
    words::Words,
};

/// Height of every canvas in its own units; the width follows from the picture's shape.
pub const HEIGHT: f32 = 1000.0;

/// How many heads tall an adult is.
const TALL: f32 = 7.2;

/// What the camera sees, in units of the canvas.
#[derive(Debug)]
pub struct Stage<'a> {
    /// Width of the picture; its height is [`HEIGHT`].
    pub width: f32,
    /// Where sky and ground, or wall and floor, meet.
    pub horizon: f32,
    /// Colours of the picture, from hour, weather and whether it is inside.
    pub palette: Palette,
    /// What kind of place it is.
    pub place: Place,
    /// Inside, with the sky behind windows.
    pub indoors: bool,
    /// There is nothing but white behind the one who is shown for a dataset.
    pub plain: bool,
    /// Light, for what only some hours have.
    pub time: TimeOfDay,
    /// Weather of the scene, as the screenplay has it.
    pub weather: Weather,
    /// How people feel.
    pub mood: Mood,
    /// How close the camera is: from the whole place to part of a face.
    pub shot: ShotType,
    /// Where the camera stands, e.g. low, high or behind a shoulder.
    pub angle: CameraAngle,
    /// Where sun or moon stand.
    pub sun: (f32, f32),
    /// The side the light comes from: -1 left, 1 right.
    pub side: f32,
    /// How much larger the place is than in a wide shot.
    pub zoom: f32,
    /// How far the place is pushed aside, so that two shots of one place differ.
    pub shift: f32,
    /// Degrees the camera leans.
    pub lean: f32,
    /// Who is in the picture, back to front.
    pub actors: Vec<Actor<'a>>,
    /// Somebody the camera looks past, and on which side.
    pub past: Option<(Option<&'a Figure>, f32)>,
    /// Draws the same place in every shot.
    pub place_seed: u64,
    /// Draws what differs between shots.
    pub seed: u64,
}

/// Somebody in the picture.
#[derive(Debug)]
pub struct Actor<'a> {
    /// Who it is: their name and how they look.
    pub figure: &'a Figure,
    /// Middle of the head.
    pub head: (f32, f32),
    /// Height of the head.
    pub unit: f32,
    /// Looks to the left (-1) or right (1).
    pub facing: f32,
    /// Speaks in this shot.
    pub speaks: bool,
    /// What the body does.
    pub pose: Pose,
    /// How they are shown for a dataset, and how they look there, whatever else is said here.
    pub shown: Option<(Staging, Appearance)>,
}

/// What a body does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pose {
    /// Arms at the sides.
    Stands,
    /// A hand in the pocket.
    Rests,
    /// A hand raised while speaking.
    Gestures,
    /// Running, the body leaning forward.
    Runs,
}

/// How people feel, read from one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Calm,
    Happy,
    Sad,
    Tense,
}

impl Mood {
    fn of(word: &str) -> Self {
        let word = word.to_lowercase();
        let has = |list: &[&str]| list.iter().any(|part| word.contains(part));
        if has(&["tens", "fear", "angr", "suspens", "dark", "dread", "danger", "urgent", "drama", "eerie"]) {
            Self::Tense
        } else if has(&["sad", "melanch", "grief", "lonel", "mourn", "sorrow", "wistful", "bitter"]) {
            Self::Sad
        } else if has(&["happ", "joy", "hope", "romant", "funny", "warm", "playful", "triumph", "comed", "uplift"]) {
            Self::Happy
        } else {
            Self::Calm
        }
    }
}

impl<'a> Stage<'a> {
    /// Sets the stage for an order; who is shown looks as the words say.
    pub fn with(order: &'a StillOrder, words: &Words) -> Self {
        let width = HEIGHT * order.size.width as f32 / order.size.height as f32;
        let shown = staging(order);
        // What is said to a model of somebody's pose says nothing of the place.
        let (place, indoors) = place::of(&order.look, if shown.is_some() { "" } else { &order.description });
        let air = !matches!(place, Place::Space | Place::Bridge);
        let outside = palette::of(&order.look);
        let outside = if air { outside } else { outside.without_air() };
        let mut dice = Dice::new(order.seed.0 ^ 0x5717);
        let horizon = horizon(order.angle, order.shot_type, indoors);
        let sun = sun(&order.look, width, horizon);
        let zoom = match order.shot_type {
            ShotType::Establishing | ShotType::Wide => 1.0,
            ShotType::Action => 1.15,
            ShotType::Medium => 1.35,
            ShotType::CloseUp => 1.7,
            ShotType::ExtremeCloseUp => 2.1,
        };
        let room = (zoom - 1.0) * 0.35 + if order.shot_type == ShotType::Wide { 0.06 } else { 0.0 };
        let plain = shown.is_some() && order.look.is_plain();
        let mut stage = Self {
            width,
            horizon,
            palette: match (plain, indoors) {
                (true, _) => palette::studio(&order.look),
                (false, true) => outside.indoors(),
                (false, false) => outside,
            },
            place,
            indoors,
            plain,
            time: order.look.time_of_day,
            weather: order.look.weather,
            mood: Mood::of(&order.look.mood),
            shot: order.shot_type,
            angle: order.angle,
            sun,
            side: if sun.0 < width / 2.0 { -1.0 } else { 1.0 },
            zoom,
            shift: width * room * dice.between(-1.0, 1.0),
            lean: if order.angle == CameraAngle::Dutch { 8.0 * dice.sign() } else { 0.0 },
            actors: Vec::new(),
            past: None,
            place_seed: Dice::of_text(&order.look.location, 1).unit().to_bits().into(),
            seed: order.seed.0,
        };
        stage.cast(order, words, &mut dice);
        stage
    }

    /// Far left of what is drawn, well outside of the picture.
    pub fn left(&self) -> f32 {
        -0.55 * self.width.max(HEIGHT)
    }

    /// Far right of what is drawn, well outside of the picture.
    pub fn right(&self) -> f32 {
        self.width + 0.55 * self.width.max(HEIGHT)
    }

    /// A place in the width of the picture: 0 left edge, 1 right edge.
    pub fn across(&self, share: f32) -> f32 {
        self.width * share
    }

    /// Size of things that should shrink with a narrow picture: 1 in landscape, less in portrait.
    pub fn slim(&self) -> f32 {
        (self.width / 1250.0).clamp(0.45, 1.0)
    }

    /// How the camera leans, as an SVG transform.
    pub fn leaning(&self) -> String {
        format!("rotate({:.2} {:.2} 500)", self.lean, self.width / 2.0)
    }

    /// How the place is seen at `share` (0 far, 1 near) of the zoom, as an SVG transform.
    pub fn placing(&self, share: f32) -> String {
        let zoom = 1.0 + (self.zoom - 1.0) * share;
        let (x, y) = (self.width / 2.0, self.horizon);
        format!("translate({:.2} {:.2}) scale({zoom:.3}) translate({:.2} {:.2})", x + self.shift * share, y, -x, -y)
    }

    fn cast(&mut self, order: &'a StillOrder, words: &Words, dice: &mut Dice) {
        if let (Some(staging), [figure]) = (staging(order), &order.figures[..]) {
            let who = words.worn(Appearance::of(&figure.profile));
            let (head, unit, facing) = centred::place(&who, staging, order.shot_type, self.width, dice);
            let pose = Pose::Stands;
            let shown = Some((staging, who));
            self.actors.push(Actor { figure, head, unit, facing, speaks: false, pose, shown });
            return;
        }
        let speaker = order.speaker.filter(|index| *index < order.figures.len());
        let main = speaker.unwrap_or(0);
        let crowd = match order.shot_type {
            ShotType::CloseUp | ShotType::ExtremeCloseUp => 1,
            ShotType::Medium => 3,
            ShotType::Action => 4,
            ShotType::Establishing | ShotType::Wide => 6,
        };
        let fits = ((self.width / HEIGHT * 3.4) as usize).clamp(1, crowd);
        let over_shoulder = order.angle == CameraAngle::OverShoulder && order.shot_type != ShotType::ExtremeCloseUp;
        if over_shoulder {
            let other = order.figures.iter().enumerate().find(|(index, _)| *index != main).map(|(_, figure)| figure);
            self.past = Some((other, dice.sign()));
        }
        let alone = over_shoulder || fits == 1;
        let shown: Vec<(usize, &Figure)> = if alone {
            order.figures.iter().enumerate().skip(main).take(1).collect()
        } else {
            let mut all: Vec<_> = order.figures.iter().enumerate().collect();
            if main >= fits {
                all.swap(main, fits - 1);
            }
            all.truncate(fits);
            all
        };
        let count = shown.len();
        for (slot, (index, figure)) in shown.into_iter().enumerate() {
            let speaks = speaker == Some(index);
            let actor = self.place_actor(order, figure, (slot, count), speaks, dice);
            self.actors.push(actor);
        }
    }

    fn place_actor(
        &self,
        order: &StillOrder,
        figure: &'a Figure,
        (slot, count): (usize, usize),
        speaks: bool,
        dice: &mut Dice,
    ) -> Actor<'a> {
        let crowd = 1.0 - 0.07 * (count.min(4) - 1) as f32;
        let narrow = (self.width / HEIGHT).min(1.0);
        // Where whole bodies are seen their feet decide the height, otherwise the head does.
        let standing = |unit: f32, feet: f32| (unit, feet - TALL * unit);
        let (mut unit, top) = match order.shot_type {
            ShotType::Establishing if self.indoors => standing(36.0, 858.0),
            ShotType::Establishing => standing(22.0, 798.0),
            ShotType::Wide => standing(76.0 * narrow.max(0.75), 857.0),
            ShotType::Action => standing(104.0 * narrow.max(0.7) * crowd, 905.0),
            ShotType::Medium => (262.0 * narrow.max(0.72) * crowd, 135.0),
            ShotType::CloseUp => (545.0 * narrow.max(0.7), 105.0),
            ShotType::ExtremeCloseUp => (1330.0 * narrow.max(0.62), -250.0),
        };
        let (push, scale) = match self.angle {
            _ if order.shot_type == ShotType::Establishing => (0.0, 1.0),
            CameraAngle::Low => (-45.0, 1.1),
            CameraAngle::High => (55.0, 0.92),
            _ => (0.0, 1.0),
        };
        let mut y = top + push;
        unit *= scale;
        let whole = matches!(order.shot_type, ShotType::Establishing | ShotType::Wide | ShotType::Action);
        if whole && figure.profile.age == Age::Child {
            // Children stand on the same ground: same feet, lower heads.
            y += unit * TALL;
            unit *= 0.86;
            y -= unit * 5.0;
        } else if !whole && count > 1 {
            y += match figure.profile.age {
                Age::Child => unit * 0.55,
                Age::Elder => unit * 0.12,
                Age::Adult => 0.0,
            };
        }
        if whole && count > 1 {
            y += unit * dice.between(-0.15, 0.35) * slot as f32 / count as f32;
        }
        let x = self.column(order.shot_type, (slot, count), unit, dice);
        let middle = self.width / 2.0;
        let facing = if self.past.is_some() {
            -self.past.as_ref().map_or(1.0, |(_, side)| -*side)
        } else if count > 1 {
            if x < middle { 1.0 } else { -1.0 }
        } else if x < middle {
            1.0
        } else {
            -1.0
        };
        let pose = match order.shot_type {
            ShotType::Action => Pose::Runs,
            _ if speaks => Pose::Gestures,
            _ => dice.pick(&[Pose::Stands, Pose::Rests]),
        };
        Actor { figure, head: (x, y + unit * 0.56), unit, facing, speaks, pose, shown: None }
    }

    fn column(&self, shot_type: ShotType, (slot, count): (usize, usize), unit: f32, dice: &mut Dice) -> f32 {
        let middle = self.width / 2.0;
        if let Some((_, side)) = self.past {
            return middle - side * self.width * 0.13;
        }
        if count == 1 {
            let aside = match shot_type {
                ShotType::ExtremeCloseUp => 0.02,
                ShotType::Action => 0.04,
                ShotType::Establishing => 0.12,
                _ => 0.11,
            };
            return middle + dice.sign() * aside * self.width;
        }
        let wanted = match shot_type {
            ShotType::Establishing => unit * 3.2,
            ShotType::Wide => unit * 4.2,
            ShotType::Action => unit * 3.8,
            _ => unit * 2.55,
        };
        let step = wanted.min(self.width * 0.86 / count as f32);
        let aside = if shot_type == ShotType::Establishing { 0.1 * self.width } else { 0.0 };
        middle + aside + (slot as f32 - (count - 1) as f32 / 2.0) * step
    }
}

/// How somebody alone is shown for a dataset; `None` in films.
fn staging(order: &StillOrder) -> Option<Staging> {
    match &order.figures[..] {
        [alone] => alone.staging,
        _ => None,
    }
}

fn horizon(angle: CameraAngle, shot: ShotType, indoors: bool) -> f32 {
    let eye = if indoors { 760.0 } else { 640.0 };
    let level: f32 = match angle {
        CameraAngle::High | CameraAngle::Overhead => eye - 190.0,
        // Never below the feet of people in a wide shot.
        CameraAngle::Low => eye + if indoors { 75.0 } else { 130.0 },
        CameraAngle::EyeLevel | CameraAngle::Dutch | CameraAngle::OverShoulder => eye,
    };
    match shot {
        ShotType::Medium => level + 30.0,
        ShotType::CloseUp | ShotType::ExtremeCloseUp => level + 60.0,
        _ => level,
    }
}

/// Where sun or moon stand; below the horizon in the evening.
fn sun(look: &Look, width: f32, horizon: f32) -> (f32, f32) {
    // The same place faces the same way in every scene; mornings and evenings are opposite.
    let mirrored = Dice::of_text(&look.location, 3).chance(0.5);
    let (x, y) = match look.time_of_day {
        TimeOfDay::Dawn => (0.27, horizon - 25.0),
        TimeOfDay::Morning => (0.22, horizon * 0.38),
        TimeOfDay::Midday => (0.4, 90.0),
        TimeOfDay::Afternoon => (0.74, horizon * 0.42),
        TimeOfDay::Sunset => (0.69, horizon - 60.0),
        TimeOfDay::Evening => (0.66, horizon + 60.0),
        TimeOfDay::Night => (0.76, 190.0),
    };
    (width * if mirrored { 1.0 - x } else { x }, y)
}
