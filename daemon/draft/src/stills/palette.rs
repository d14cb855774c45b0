//! Palette: the colours of a scene, from its time of day and weather.

use std::fmt;

use studio_core::scene::{Look, TimeOfDay, Weather};

/// An opaque sRGB colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour(pub u8, pub u8, pub u8);

/// Pure white, also what colours are made lighter with.
pub const WHITE: Colour = Colour(255, 255, 255);
/// Pure black, what colours are made darker with.
pub const BLACK: Colour = Colour(0, 0, 0);

impl Colour {
    /// From six hex digits; anything else does not compile as a constant.
    pub const fn hex(text: &str) -> Self {
        const fn digit(byte: u8) -> u8 {
            match byte {
                b'0'..=b'9' => byte - b'0',
                b'a'..=b'f' => byte - b'a' + 10,
                _ => panic!("a colour is six lower-case hex digits"),
            }
        }
        let b = text.as_bytes();
        assert!(b.len() == 6, "a colour is six lower-case hex digits");
        Self(digit(b[0]) * 16 + digit(b[1]), digit(b[2]) * 16 + digit(b[3]), digit(b[4]) * 16 + digit(b[5]))
    }

    /// `share` (0-1) of the way to `other`.
    pub fn mix(self, other: Self, share: f32) -> Self {
        let part = |a: u8, b: u8| (f32::from(a) + (f32::from(b) - f32::from(a)) * share).round() as u8;
        Self(part(self.0, other.0), part(self.1, other.1), part(self.2, other.2))
    }

    /// This colour seen in coloured light.
    pub fn under(self, light: Self) -> Self {
        let part = |a: u8, b: u8| (u16::from(a) * u16::from(b) / 255) as u8;
        Self(part(self.0, light.0), part(self.1, light.1), part(self.2, light.2))
    }

    /// `share` (0-1) of the way to grey.
    pub fn greyer(self, share: f32) -> Self {
        let grey = 0.2126 * f32::from(self.0) + 0.7152 * f32::from(self.1) + 0.0722 * f32::from(self.2);
        self.mix(Self(grey as u8, grey as u8, grey as u8), share)
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

/// The colours and the light of a scene.
#[derive(Debug, Clone, Copy)]
pub struct Palette {
    /// Sky from the top over the middle to the horizon.
    pub sky: [Colour; 3],
    /// Sun, moon, rims and glints.
    pub light: Colour,
    /// Silhouettes far away.
    pub far: Colour,
    /// Silhouettes between far and near.
    pub mid: Colour,
    /// Silhouettes near the camera.
    pub near: Colour,
    /// The darkest tone, almost never black.
    pub ink: Colour,
    /// Lamps and lit windows.
    pub lamp: Colour,
    /// What the light does to a colour.
    pub cast: Colour,
    /// How strong rims are, 0-1.
    pub rim: f32,
    /// Lamps are on.
    pub lamps_on: bool,
    /// How many stars are out, 0-1.
    pub stars: f32,
    /// How bright the day is, 0-1.
    pub day: f32,
}

const fn base(sky: [&str; 3], light: &str, tones: [&str; 4], cast: &str) -> Palette {
    Palette {
        sky: [Colour::hex(sky[0]), Colour::hex(sky[1]), Colour::hex(sky[2])],
        light: Colour::hex(light),
        far: Colour::hex(tones[0]),
        mid: Colour::hex(tones[1]),
        near: Colour::hex(tones[2]),
        ink: Colour::hex(tones[3]),
        lamp: Colour::hex("ffc46b"),
        cast: Colour::hex(cast),
        rim: 0.8,
        lamps_on: false,
        stars: 0.0,
        day: 1.0,
    }
}

/// The palette of a look.
pub fn of(look: &Look) -> Palette {
    weathered(clear(look.time_of_day), look.weather)
}

/// The palette before white paper: even light, with a little of the colour of the hour.
pub fn studio(look: &Look) -> Palette {
    let cast = WHITE.mix(of(look).cast, 0.5);
    Palette { cast, rim: 0.3, lamps_on: false, ..clear(TimeOfDay::Midday) }
}

fn clear(time: TimeOfDay) -> Palette {
    let tones = |far, mid, near, ink| [far, mid, near, ink];
    match time {
        TimeOfDay::Dawn => Palette {
            stars: 0.15,
            day: 0.6,
            lamps_on: true,
            ..base(["2c3c6e", "a9709e", "ffc39a"], "ffe0b0", tones("8f7199", "5a5384", "2f3158", "161833"), "e6c0b4")
        },
        TimeOfDay::Morning => {
            base(["4f9acb", "9fd0e2", "fdeccb"], "fff3cf", tones("93b7c4", "5c8a97", "34606a", "16323b"), "fff4e2")
        }
        TimeOfDay::Midday => {
            base(["2278ba", "63b2dd", "d3edf3"], "ffffff", tones("8bbccb", "4c8b98", "2b6468", "123539"), "ffffff")
        }
        TimeOfDay::Afternoon => {
            base(["3a7da6", "9dc6c0", "fde3a4"], "ffe6a8", tones("a3ad8e", "6e8068", "3f5547", "1b2b28"), "fff0d2")
        }
        TimeOfDay::Sunset => Palette {
            rim: 1.0,
            day: 0.65,
            lamps_on: true,
            ..base(["2b2356", "bf4470", "ffa552"], "ffdc8a", tones("93436c", "5a2b60", "2f1c48", "140d28"), "efb295")
        },
        TimeOfDay::Evening => Palette {
            stars: 0.45,
            day: 0.35,
            lamps_on: true,
            ..base(["0f1c42", "36498a", "d6917f"], "ffc592", tones("47548a", "2c386a", "182147", "0a1026"), "a99fc0")
        },
        TimeOfDay::Night => Palette {
            stars: 1.0,
            day: 0.15,
            lamps_on: true,
            ..base(["050a1d", "10244f", "33578a"], "dfeaff", tones("203c69", "15294f", "0c1936", "050917"), "a2abd2")
        },
    }
}

fn weathered(clear: Palette, weather: Weather) -> Palette {
    // The same cloud is dark at night: what weather mixes in is dimmed with the day.
    let dim = |text: &str| BLACK.mix(Colour::hex(text), 0.18 + 0.82 * clear.day);
    let tint = |to: Colour, shares: [f32; 4], grey: f32| {
        let one = |colour: Colour, share: f32| colour.greyer(grey).mix(to, share);
        Palette {
            sky: clear.sky.map(|colour| one(colour, shares[0])),
            far: one(clear.far, shares[1]),
            mid: one(clear.mid, shares[2]),
            near: one(clear.near, shares[3]),
            cast: clear.cast.mix(to.mix(WHITE, 0.3), shares[2]),
            stars: 0.0,
            ..clear
        }
    };
    match weather {
        Weather::Clear => clear,
        Weather::Cloudy => {
            Palette { rim: 0.45, stars: clear.stars * 0.2, ..tint(dim("93a0ad"), [0.3, 0.25, 0.15, 0.05], 0.3) }
        }
        Weather::Rain => Palette { rim: 0.55, lamps_on: true, ..tint(dim("566b80"), [0.5, 0.4, 0.3, 0.15], 0.35) },
        Weather::Storm => Palette {
            rim: 0.85,
            lamps_on: true,
            light: Colour::hex("e6f0ff"),
            ..tint(dim("252c44"), [0.62, 0.5, 0.4, 0.25], 0.3)
        },
        Weather::Snow => Palette { rim: 0.6, lamps_on: true, ..tint(dim("d3dfea"), [0.45, 0.5, 0.3, 0.12], 0.35) },
        Weather::Fog => Palette { rim: 0.35, lamps_on: true, ..tint(dim("b9c3c9"), [0.55, 0.66, 0.45, 0.16], 0.4) },
    }
}

impl Palette {
    /// A thing of this colour, as this light shows it.
    pub fn lit(&self, colour: Colour) -> Colour {
        colour.under(self.cast).mix(self.mid, 0.1)
    }

    /// The same thing on its side away from the light.
    pub fn shaded(&self, colour: Colour) -> Colour {
        self.lit(colour).mix(self.ink, 0.42)
    }

    /// The palette where no air scatters light: black sky at every hour.
    pub fn without_air(self) -> Self {
        let night = clear(TimeOfDay::Night);
        Self { sky: night.sky.map(|colour| colour.mix(BLACK, 0.3)), stars: 1.0, lamps_on: true, ..self }
    }

    /// The palette of a room: calmer, warmer, and lit by its own lamps when they are on.
    pub fn indoors(self) -> Self {
        let cast = if self.lamps_on {
            self.cast.mix(Colour::hex("ffd9a6"), 0.55)
        } else {
            self.cast.mix(Colour::hex("fff3e0"), 0.4)
        };
        let light = if self.day < 0.5 { self.lamp } else { self.light };
        Self { cast, light, rim: (self.rim * 0.9).max(0.5), ..self }
    }
}
