//! The codes. A code keeps its meaning for ever; one that is no longer needed is not given out again.

use super::Severity;

/// A kind of diagnostic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// `J0101`
    pub id: &'static str,
    /// Whether it stands in the way.
    pub severity: Severity,
    /// What it is about, in a few words.
    pub about: &'static str,
}

macro_rules! codes {
    ($($name:ident $id:literal $severity:ident $about:literal;)*) => {
        $(pub(crate) const $name: Code = Code { id: $id, severity: Severity::$severity, about: $about };)*
        /// Every code there is.
        pub const CODES: &[Code] = &[$($name),*];
    };
}

codes! {
    // 01: YAML, before it means anything
    TAG "J0101" Error "a value begins with `!`, a tag in YAML";
    ANCHOR "J0102" Error "a value begins with `&`, an anchor in YAML";
    ALIAS "J0103" Error "a value begins with `*`, an alias in YAML";
    MERGE "J0104" Error "a merge key";
    DOCUMENTS "J0105" Error "more than one document in a file";
    DUPLICATE_KEY "J0106" Error "a key stands twice";
    KEY_SHAPE "J0107" Error "a key that is not a word";
    QUOTED_START "J0108" Error "quoted text, or a list, at the beginning of a longer value";
    COLON "J0109" Error "a value with `: ` in it";
    INDENTATION "J0110" Error "a line that fits no block";
    BRACES "J0111" Error "an expression inside braces";
    DOUBLE_BRACES "J0112" Error "a value begins with `{{`, a mapping in YAML";
    TAB "J0113" Error "a tab where spaces stand";
    UNCLOSED "J0114" Error "a quote or a bracket that is never closed";
    SPECIAL_START "J0115" Error "a value begins with a character of YAML's own";
    SYNTAX "J0116" Error "anything else that is not YAML";
    FILE_SIZE "J0117" Error "a file that is too large";
    DEPTH "J0118" Error "blocks nested too deep";
    EMPTY_FILE "J0119" Error "a file with nothing in it";
    CRON "J0120" Error "a cron rhythm without quotes";

    // 02: words and shapes
    NOT_YET "J0201" Error "a word of the language that this version does not read";
    UNKNOWN_WORD "J0202" Error "a word that is in no grammar here";
    SHAPE "J0203" Error "text where a block belongs, or the other way round";
    REQUIRED "J0204" Error "something that must be said is not";
    NO_VERB "J0205" Error "a step without a verb, or with two";
    ELSE_WITHOUT "J0206" Error "an `else` that can never be taken";
    FILE_KIND "J0207" Error "a file in the wrong place, or with another name than it says";

    // 03: values
    NAME "J0301" Error "not a name";
    DURATION "J0302" Error "not a duration";
    PERCENT "J0303" Error "not a percentage";
    RATE "J0304" Error "not a rate";
    CHOICE "J0305" Error "none of the words that may stand there";
    INTEGER "J0306" Error "not a whole number of that range";
    WHEN "J0307" Error "not a moment of the calendar";
    HOURS "J0308" Error "not hours of the day";
    CHANNEL "J0309" Error "not a channel";
    FIELD "J0310" Error "not a field of an event";
    TWICE "J0311" Error "the same thing twice in a list";
    SHARES "J0312" Error "shares that do not add up to 100%";

    // 04: how expressions are written
    EXPRESSION "J0401" Error "an expression that ends early or goes on too long";
    CHARACTER "J0402" Error "a character that no expression has";
    OPERATOR "J0403" Error "an operator of another language";
    LITERAL "J0404" Error "a number, text, duration or amount that is not written as one";
    EXPRESSION_SIZE "J0405" Error "an expression that is too long or too deep";
    CHAIN "J0406" Error "a comparison of three things";

    // 05: what expressions speak of
    UNKNOWN_NAME "J0501" Error "a name that nothing has";
    NOT_HERE "J0502" Error "a scope that does not exist at this place";
    UNKNOWN_VARIABLE "J0503" Error "a variable that no step sets";
    UNKNOWN_FIELD "J0504" Error "a field that the thing does not have";
    UNKNOWN_FUNCTION "J0505" Error "a function that does not exist";
    ARGUMENTS "J0506" Error "a function called wrongly";
    TYPES "J0507" Error "two types that never meet";
    CURRENCY "J0508" Error "money against a bare number";
    CONDITION "J0509" Error "a condition that is not true or false";
    UNKNOWN_SEGMENT "J0510" Error "a segment that does not exist";
    COMPUTED_FIELD "J0511" Error "a field of something computed";

    // 06: journeys
    SAME_ID "J0601" Error "two steps with one id";
    AGAIN "J0602" Error "whether somebody may enter again is not said";
    TOPIC "J0603" Error "a topic that is missing or does not exist";
    NO_STEPS "J0604" Error "a journey without steps";
    TOO_MANY_STEPS "J0605" Error "a journey with too many steps";
    SAME_NAME "J0606" Error "two files of one name";
    RESERVED_ID "J0607" Error "a step with the name of a scope";
    NO_TRANSPORT "J0608" Error "a channel that production can't send by yet";
    SENDER "J0609" Error "a sender that is missing, unknown or of the wrong stream";
    WITH_NAME "J0610" Error "a name of `with` that means something else already";
    NO_JOURNEY "J0611" Error "a journey that steps can't begin";
    OURS "J0612" Error "something of ours that no step says";
    TURNS "J0613" Error "too many turns at once, or repeats too deep";
    SNIPPET "J0614" Error "a snippet that can't be used";

    // 07: policies, tracking plan, segments
    TIME_ZONE "J0701" Error "not a time zone";
    MONEY_CODE "J0702" Error "not a currency";
    EXCHANGE "J0703" Error "not an exchange rate";
    CALENDAR "J0704" Error "not a span of the calendar";
    PROPERTY_TYPE "J0705" Error "not a type of a property";
    SEGMENT_CYCLE "J0706" Error "segments that ask each other in a circle";
    SEGMENT_DEPTH "J0707" Error "segments that ask each other in too long a row";

    ADDRESS "J0708" Error "not a mail address";
    LOCALE "J0709" Error "not a locale, or words that are missing in one";
    LINKS "J0710" Error "not where links lead through, or not what can be added to them";

    // 12: the calendar, calls, tests, moves of runs

    // 08: templates; what their variables speak of is said with the codes of expressions
    NO_TEMPLATE "J0801" Error "a template that does not exist";
    NO_WORDS "J0802" Error "a channel that a template has no words for";
    TEMPLATE "J0803" Error "a template that can't be rendered";

    // 09: lints
    MAYBE_MISSING "J0901" Warning "something possibly missing under `!=` or `not`";
    UNREACHABLE "J0902" Warning "steps that nobody reaches";
    KEY_LACKING "J0903" Warning "a goal or exit event without the run's key";
    OPENED "J0904" Warning "an open decides";
    SAME_START "J0905" Warning "two journeys that start alike";
    NEAR_EVENT "J0906" Warning "an event whose name is nearly that of a known one";
    NEAR_PROPERTY "J0907" Warning "a property whose name is nearly that of a known one";
    TEMPLATE_LINT "J0908" Warning "something in a template that is probably not meant";
    UNUSED_SEGMENT "J0909" Warning "a segment that nobody asks for";
    UNUSED_TEMPLATE "J0910" Warning "a template that no journey sends";
    BREAKS_CAP "J0911" Warning "a journey that breaks a cap alone";

    // 10: tests in journey files
    TEST_STEP "J1001" Error "a test names a step or an option that the journey does not have";

    // 12: occasions, calls, variants
    UNKNOWN_OCCASION "J1200" Error "an occasion that the calendar does not have";
    CALL "J1201" Error "a call that can't be made";
    CALL_HEADER "J1202" Error "a header or a secret that no call has";
    TEST "J1203" Error "a test that compares nothing, or what the template does not say";
    MIGRATE "J1204" Error "a migration to a step that can take nobody";
}
