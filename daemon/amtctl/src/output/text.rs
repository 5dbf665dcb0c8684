//! Words on a terminal: what may reach it, and how they are broken into lines.
//!
//! A name with escape sequences in it must not reach the terminal as such.

/// Columns that every terminal has.
pub(crate) const WIDTH: usize = 80;

/// The text without anything that a terminal would obey: control characters and the marks that turn the direction of
/// writing. Ends of lines stay.
pub(crate) fn clean(text: &str) -> String {
    let harmless = |character: char| match character {
        '\n' => '\n',
        '\t' => ' ',
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        control if control.is_control() => '\u{fffd}',
        other => other,
    };
    text.chars().map(harmless).collect()
}

/// Breaks text into lines of at most `width` characters, between words where that is possible.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        for word in paragraph.split(' ') {
            push_word(&mut lines, &mut line, word, width);
        }
        lines.push(line);
    }
    lines
}

fn push_word(lines: &mut Vec<String>, line: &mut String, word: &str, width: usize) {
    let used = line.chars().count();
    let needed = word.chars().count();
    if used > 0 && used + 1 + needed <= width {
        line.push(' ');
        line.push_str(word);
        return;
    }
    if used > 0 {
        lines.push(std::mem::take(line));
    }
    // A word that is longer than a line is cut: better than a table that falls apart.
    let mut characters = word.chars().peekable();
    while characters.peek().is_some() {
        *line = characters.by_ref().take(width).collect();
        if characters.peek().is_some() {
            lines.push(std::mem::take(line));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapping_keeps_words_whole() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("a\n\nb", 10), ["a", "", "b"]);
        assert_eq!(wrap("", 10), [""]);
    }
}
