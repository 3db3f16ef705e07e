"""The scripts for bash, zsh and fish.

Each walks the words before the cursor to the level of the command, then offers the words of that level. The script
holds every word, so a completion starts no process.
"""

from collections.abc import Iterable, Mapping, Sequence

from cli.invocation import NAME
from local.completion.words import Level

FUNCTION = "_" + NAME.replace("-", "_")

BASH = """\
# bash completion for {name}
{function}() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" level="" before="" word words=""
  [ "$current" = "=" ] && current=""
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    [ "$word" = "=" ] && continue
    case "$level $before" in
      {valued}) before=""; continue ;;
    esac
    case "$level/$word" in
      {levels}) level="$level/$word" ;;
    esac
    before="$word"
  done
  case "$level $before" in
{values}
    {valued}) ;;
    *)
      case "$level" in
{words}
      esac ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -o default -F {function} {name}
"""

ZSH = """\
#compdef {name}
{function}() {{
  local level="" before="" word
  local -a items
  for word in "${{(@)words[2,CURRENT-1]}}"; do
    case "$level $before" in
      ({valued}) before=""; continue ;;
    esac
    case "$level/$word" in
      ({levels}) level="$level/$word" ;;
    esac
    before="$word"
  done
  if [[ "$PREFIX" == --*=* ]]; then
    before="${{PREFIX%%=*}}"
    compset -P '*='
  fi
  case "$level $before" in
{values}
    ({valued}) _files; return ;;
    (*)
      case "$level" in
{words}
      esac ;;
  esac
  _describe '{name}' items
}}
compdef {function} {name}
"""

FISH = """\
# fish completion for {name}
function {function}
  set -l level ""
  set -l before ""
  for word in (commandline -opc)[2..]
    switch "$level $before"
      case {valued}
        set before ""
        continue
    end
    switch "$level/$word"
      case {levels}
        set level "$level/$word"
    end
    set before "$word"
  end
  switch "$level $before"
{values}
    case {valued}
      __fish_complete_path (commandline -ct)
      return
  end
  switch "$level"
{words}
  end
end
complete -c {name} -f -a "({function})"
"""


def write_bash(levels: Sequence[Level]) -> str:
    """Words without help: bash has no place for it. It splits a word at its colons, so those are left out."""
    return BASH.format(
        name=NAME,
        function=FUNCTION,
        valued=_join(_valued(levels), " | "),
        levels=_join(_paths(levels), " | "),
        values=_lines(f'    {_quote(at)}) words="{_plain(values)}" ;;' for at, values in _choices(levels)),
        words=_lines(f'        {_quote(level.path)}) words="{_plain(level.words)}" ;;' for level in levels),
    )


def write_zsh(levels: Sequence[Level]) -> str:
    """Words with their help."""
    return ZSH.format(
        name=NAME,
        function=FUNCTION,
        valued=_join(_valued(levels), " | "),
        levels=_join(_paths(levels), " | "),
        values=_lines(
            f"    ({_quote(at)}) items=({_items(dict.fromkeys(values, ''))}) ;;" for at, values in _choices(levels)
        ),
        words=_lines(f"        ({_quote(level.path)}) items=({_items(level.words)}) ;;" for level in levels),
    )


def write_fish(levels: Sequence[Level]) -> str:
    """Words with their help, one a line."""
    return FISH.format(
        name=NAME,
        function=FUNCTION,
        valued=" ".join(map(_fish, _valued(levels))),
        levels=" ".join(map(_fish, _paths(levels))),
        values=_lines(
            f"    case {_fish(at)}\n      printf '%s\\n' {' '.join(map(_fish, values))}\n      return"
            for at, values in _choices(levels)
        ),
        words=_lines(
            f"    case {_fish(level.path)}\n      printf '%s\\t%s\\n' "
            + " ".join(f"{_fish(word)} {_fish(said)}" for word, said in level.words.items())
            for level in levels
        ),
    )


def _paths(levels: Sequence[Level]) -> list[str]:
    return [level.path for level in levels if level.path]


def _valued(levels: Sequence[Level]) -> list[str]:
    """ "LEVEL OPTION" of every option that takes a value."""
    return [f"{level.path} {option}" for level in levels for option in level.values]


def _choices(levels: Sequence[Level]) -> list[tuple[str, list[str]]]:
    """Those whose values are known."""
    return [(f"{level.path} {option}", values) for level in levels for option, values in level.values.items() if values]


def _plain(words: Iterable[str]) -> str:
    return " ".join(word for word in words if ":" not in word)


def _items(words: Mapping[str, str]) -> str:
    """As _describe takes them: a colon ends the word."""
    escaped = {word.replace(":", "\\:"): said for word, said in words.items()}
    return " ".join(_quote(f"{word}:{said}" if said else word) for word, said in escaped.items())


def _quote(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _fish(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _join(texts: Iterable[str], between: str) -> str:
    return between.join(map(_quote, texts))


def _lines(texts: Iterable[str]) -> str:
    return "\n".join(texts)
