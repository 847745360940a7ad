//! Every statement, by name; the text stands in `queries/`, so that it runs under EXPLAIN as it is.

macro_rules! statements {
    ($($name:ident = $file:literal),+ $(,)?) => {
        $(pub(crate) const $name: &str = include_str!(concat!("../queries/", $file, ".sql"));)+

        /// All statements, name and text: a test PREPAREs each against the migrated schema.
        pub const STATEMENTS: &[(&str, &str)] = &[$(($file, $name)),+];
    };
}

statements! {
    ADOPT_INSTALLATION = "adopt_installation",
    ADVANCE_IMPORT = "advance_import",
    CLUSTER_ID = "cluster_id",
    COPY_EVENTS = "copy_events",
    COPY_INTAKE = "copy_intake",
    COUNT_INTAKE = "count_intake",
    DELETE_INTAKE = "delete_intake",
    DELETE_SEEN_BEFORE = "delete_seen_before",
    DURABILITY = "durability",
    FIND_KNOWN = "find_known",
    FIND_PEOPLE = "find_people",
    FINISH_IMPORT = "finish_import",
    INSERT_HEADS = "insert_heads",
    INSERT_IDENTITIES = "insert_identities",
    INSERT_INSTALLATION = "insert_installation",
    INSERT_INTAKE = "insert_intake",
    INSERT_MERGE_REQUESTS = "insert_merge_requests",
    INSERT_REJECTED_EVENTS = "insert_rejected_events",
    INSERT_SEEN = "insert_seen",
    PARTITION_NAMES = "partition_names",
    POLL_INTAKE = "poll_intake",
    READ_INSTALLATION = "read_installation",
    RESERVE_PERSON_IDS = "reserve_person_ids",
    START_IMPORT = "start_import",
}
