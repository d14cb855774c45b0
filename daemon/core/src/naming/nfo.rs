//! NFO files: what Jellyfin reads about a show, a season and an episode.

use std::io;

use quick_xml::{
    Reader, Writer,
    events::{BytesDecl, BytesText, Event},
};

/// What `tvshow.nfo` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShowNfo {
    /// Title people read.
    pub title: String,
    /// Year of the show folder.
    pub year: i16,
    /// One paragraph; left out when empty.
    pub plot: String,
    /// What a library knows the show by: the slug of its project.
    pub id: String,
}

/// What an episode's NFO says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpisodeNfo {
    /// Title people read.
    pub title: String,
    /// Title of the show.
    pub show: String,
    /// Season, 0 for specials.
    pub season: u32,
    /// Number in the season.
    pub number: u32,
    /// One paragraph; left out when empty.
    pub plot: String,
    /// First aired, `yyyy-mm-dd`; left out when it is no date.
    pub aired: String,
    /// Length of the film in milliseconds; written as whole minutes, at least 1.
    pub runtime_ms: u64,
    /// Who appears, in order.
    pub actors: Vec<Actor>,
    /// What a library knows the episode by, e.g. `harbour-lights-s01e02`.
    pub id: String,
}

/// Somebody who appears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The name Jellyfin lists.
    pub name: String,
    /// The part; left out when empty.
    pub role: String,
}

/// The text of `tvshow.nfo`.
pub fn tvshow_nfo(show: &ShowNfo) -> String {
    document("tvshow", |xml| {
        text(xml, "title", &show.title)?;
        text(xml, "year", &show.year.to_string())?;
        text(xml, "plot", &show.plot)?;
        unique_id(xml, &show.id)
    })
}

/// The text of `season.nfo`.
pub fn season_nfo(season: u32) -> String {
    document("season", |xml| {
        let title = if season == 0 { "Specials".to_owned() } else { format!("Season {season}") };
        text(xml, "title", &title)?;
        text(xml, "seasonnumber", &season.to_string())
    })
}

/// The text of an episode's NFO.
pub fn episode_nfo(episode: &EpisodeNfo) -> String {
    document("episodedetails", |xml| {
        text(xml, "title", &episode.title)?;
        text(xml, "showtitle", &episode.show)?;
        text(xml, "season", &episode.season.to_string())?;
        text(xml, "episode", &episode.number.to_string())?;
        text(xml, "plot", &episode.plot)?;
        if episode.aired.len() == 10 && episode.aired.parse::<jiff::civil::Date>().is_ok() {
            text(xml, "aired", &episode.aired)?;
        }
        let minutes = (episode.runtime_ms + 30_000) / 60_000;
        text(xml, "runtime", &minutes.max(1).to_string())?;
        for (order, actor) in episode.actors.iter().enumerate() {
            xml.create_element("actor").write_inner_content(|xml| {
                text(xml, "name", &actor.name)?;
                text(xml, "role", &actor.role)?;
                text(xml, "order", &order.to_string())
            })?;
        }
        unique_id(xml, &episode.id)
    })
}

/// Whose show or episode an NFO describes: the id this program wrote into it, also when Jellyfin has written the file
/// anew, which keeps ids of kinds it does not know as `studiodid`; `None` when somebody else wrote it or it cannot be
/// read.
pub fn studio_id(nfo: &str) -> Option<String> {
    let (mut reader, mut depth, mut ours, mut id) = (Reader::from_str(nfo), 0, false, String::new());
    loop {
        match reader.read_event().ok()? {
            Event::Start(tag) => {
                depth += 1;
                let kind = tag.try_get_attribute("type").ok()?;
                let our_kind = kind.is_some_and(|kind| *kind.value == *"studiod");
                ours =
                    depth == 2 && (tag.name().as_ref() == "uniqueid" && our_kind || tag.name().as_ref() == "studiodid");
            }
            Event::Text(part) if ours => id.push_str(&part.xml10_content()),
            Event::End(_) if ours && !id.trim().is_empty() => return Some(id.trim().to_owned()),
            Event::End(_) => (depth, ours) = (depth - 1, false),
            Event::Eof => return None,
            _ => {}
        }
    }
}

type Xml = Writer<Vec<u8>>;

fn document(root: &'static str, fill: impl FnOnce(&mut Xml) -> io::Result<()>) -> String {
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), Some("yes"))))
        .and_then(|()| xml.create_element(root).write_inner_content(fill).map(|_| ()))
        .expect("writing to memory does not fail");
    let mut text = String::from_utf8(xml.into_inner()).expect("only text was written");
    text.push('\n');
    text
}

/// One element; none when there is nothing to say.
fn text(xml: &mut Xml, name: &'static str, value: &str) -> io::Result<()> {
    let value = allowed(value);
    if value.trim().is_empty() {
        return Ok(());
    }
    xml.create_element(name).write_text_content(BytesText::new(value.trim())).map(|_| ())
}

fn unique_id(xml: &mut Xml, id: &str) -> io::Result<()> {
    let tag = xml.create_element("uniqueid").with_attribute(("type", "studiod")).with_attribute(("default", "true"));
    tag.write_text_content(BytesText::new(&allowed(id))).map(|_| ())
}

/// Only what XML 1.0 (section 2.2) allows; one wrong character and Jellyfin skips the whole file.
fn allowed(value: &str) -> String {
    let fits = |c: &char| matches!(c, '\t' | '\n' | ' '..='\u{fffd}' | '\u{10000}'..) && *c != '\u{7f}';
    value.chars().filter(fits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn episode() -> EpisodeNfo {
        EpisodeNfo {
            title: "Salt & <Light>".into(),
            show: "Harbour Lights".into(),
            season: 1,
            number: 2,
            plot: "A keeper\u{0} and a girl\u{b}.\r\nRain.".into(),
            aired: "2026-08-22".into(),
            runtime_ms: 76_300,
            actors: vec![
                Actor { name: "Mara".into(), role: "Keeper".into() },
                Actor { name: "Ines".into(), role: String::new() },
            ],
            id: "018f-1".into(),
        }
    }

    /// The text of every element, by the names of the elements around it.
    fn read(xml: &str) -> Vec<(String, String)> {
        let (mut reader, mut path, mut found) = (Reader::from_str(xml), Vec::new(), Vec::<(String, String)>::new());
        reader.config_mut().check_end_names = true;
        let mut value = String::new();
        loop {
            match reader.read_event().unwrap() {
                Event::Start(tag) => {
                    path.push(tag.name().as_ref().to_owned());
                    value.clear();
                }
                Event::Text(part) => value.push_str(&part.xml10_content()),
                Event::GeneralRef(part) => {
                    let entity = format!("&{};", part.xml10_content());
                    value.push_str(&quick_xml::escape::unescape(&entity).unwrap());
                }
                Event::End(_) => {
                    if !value.trim().is_empty() {
                        found.push((path.join("/"), std::mem::take(&mut value)));
                    }
                    value.clear();
                    path.pop();
                }
                Event::Eof => return found,
                _ => {}
            }
        }
    }

    #[test]
    fn an_episode_looks_like_this() {
        insta::assert_snapshot!(episode_nfo(&episode()), @r#"
        <?xml version="1.0" encoding="UTF-8" standalone="yes"?>
        <episodedetails>
          <title>Salt &amp; &lt;Light&gt;</title>
          <showtitle>Harbour Lights</showtitle>
          <season>1</season>
          <episode>2</episode>
          <plot>A keeper and a girl.
        Rain.</plot>
          <aired>2026-08-22</aired>
          <runtime>1</runtime>
          <actor>
            <name>Mara</name>
            <role>Keeper</role>
            <order>0</order>
          </actor>
          <actor>
            <name>Ines</name>
            <order>1</order>
          </actor>
          <uniqueid type="studiod" default="true">018f-1</uniqueid>
        </episodedetails>
        "#);
    }

    #[test]
    fn a_show_and_its_seasons_look_like_this() {
        let show = ShowNfo { title: "Harbour Lights".into(), year: 2026, plot: String::new(), id: "018f".into() };
        insta::assert_snapshot!(tvshow_nfo(&show) + &season_nfo(1) + &season_nfo(0), @r#"
        <?xml version="1.0" encoding="UTF-8" standalone="yes"?>
        <tvshow>
          <title>Harbour Lights</title>
          <year>2026</year>
          <uniqueid type="studiod" default="true">018f</uniqueid>
        </tvshow>
        <?xml version="1.0" encoding="UTF-8" standalone="yes"?>
        <season>
          <title>Season 1</title>
          <seasonnumber>1</seasonnumber>
        </season>
        <?xml version="1.0" encoding="UTF-8" standalone="yes"?>
        <season>
          <title>Specials</title>
          <seasonnumber>0</seasonnumber>
        </season>
        "#);
    }

    #[test]
    fn runtimes_are_whole_minutes_and_never_none() {
        for (runtime_ms, minutes) in [(0, "1"), (29_000, "1"), (89_999, "1"), (90_000, "2"), (3_600_000, "60")] {
            let nfo = episode_nfo(&EpisodeNfo { runtime_ms, ..episode() });
            assert!(nfo.contains(&format!("<runtime>{minutes}</runtime>")), "{runtime_ms}");
        }
    }

    #[test]
    fn what_is_no_date_is_left_out() {
        for aired in ["", "yesterday", "2026-13-01", "2026-8-2", "20260822"] {
            assert!(!episode_nfo(&EpisodeNfo { aired: aired.into(), ..episode() }).contains("<aired>"), "{aired}");
        }
    }

    proptest! {
        #[test]
        fn any_text_comes_back(title in "(.|[\u{0}-\u{1f}]|[<>&'\"]|]]>){0,40}", plot in "\\PC{0,80}", role in "(.|\u{fffe}|\u{ffff}){0,20}") {
            let actors = vec![Actor { name: "Mara".into(), role: role.clone() }];
            let found = read(&episode_nfo(&EpisodeNfo { title: title.clone(), plot: plot.clone(), actors, ..episode() }));
            let value = |name: &str| found.iter().find(|(path, _)| path == name).map_or("", |(_, value)| value);
            for (path, wrote) in [("title", &title), ("plot", &plot), ("actor/role", &role)] {
                let wrote = allowed(wrote);
                prop_assert_eq!(value(&format!("episodedetails/{path}")), wrote.trim());
            }
            prop_assert_eq!(value("episodedetails/uniqueid"), "018f-1");
        }
    }
}
