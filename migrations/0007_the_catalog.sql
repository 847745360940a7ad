-- The catalog: what the shop sells, version by version; who cares for what; and news of it, one row for many people.

-- Every version of every product, of which the one with the highest number is what it is now. number is one for all that
-- one request or one step of an import says; it grows in the order of commits, so that "the catalog at a number" means
-- the same for ever: a batch notes the number it saw, and a replay looks there. item is what the shop says, as JSON.
CREATE TABLE products (
    product_id text NOT NULL,
    number     bigint NOT NULL,
    at         timestamptz NOT NULL,
    item       jsonb NOT NULL,
    PRIMARY KEY (product_id, number),
    CONSTRAINT products_ids_are_bounded CHECK (octet_length(product_id) BETWEEN 1 AND 256),
    CONSTRAINT products_are_numbered_from_1 CHECK (number >= 1),
    CONSTRAINT products_items_are_records CHECK (jsonb_typeof(item) = 'object')
);
-- What changed between two numbers.
CREATE INDEX products_by_number ON products (number);

-- One row: the number of the catalog, which whoever changes it locks; and up to which number people were told of what
-- changed. telling is the number up to which they are being told just now, with the moment, and next_shard how far that
-- is; each step of it commits with the news it wrote.
CREATE TABLE catalog (
    only_one   boolean PRIMARY KEY DEFAULT true,
    number     bigint NOT NULL DEFAULT 0,
    told       bigint NOT NULL DEFAULT 0,
    telling    bigint,
    telling_at timestamptz,
    next_shard smallint NOT NULL DEFAULT 0,
    CONSTRAINT catalog_is_one_row CHECK (only_one),
    CONSTRAINT catalog_tells_no_more_than_there_is CHECK (told <= number AND telling <= number AND told < telling),
    CONSTRAINT catalog_tells_at_a_moment CHECK ((telling IS NULL) = (telling_at IS NULL)),
    CONSTRAINT catalog_tells_shard_by_shard CHECK (next_shard BETWEEN 0 AND 255)
) WITH (fillfactor = 50);
INSERT INTO catalog DEFAULT VALUES;

-- When somebody said which word of a product last, microseconds since 1970: the latest of each, so that rows of two
-- people, and words in any order, come together by taking the greater. What follows from it journeyman-domain says.
CREATE TABLE interests (
    person_id    bigint NOT NULL,
    product_id   text NOT NULL,
    shard        smallint NOT NULL,
    viewed       bigint,
    carted       bigint,
    uncarted     bigint,
    wished       bigint,
    unwished     bigint,
    bought       bigint,
    subscribed   bigint,
    withdrew     bigint,
    PRIMARY KEY (person_id, product_id),
    CONSTRAINT interests_shard_is_one_of_256 CHECK (shard BETWEEN 0 AND 255),
    CONSTRAINT interests_ids_are_bounded CHECK (octet_length(product_id) BETWEEN 1 AND 256)
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 10000);
-- Who cares for a product, shard by shard.
CREATE INDEX interests_of_product ON interests (product_id, shard);

-- News for up to 500 people of a shard: items is what all of them hear, and people, item (from 0), interest and since say
-- who hears which of it and why; somebody who hears of several stands there as often. Partitions are ranges of id, as
-- those of events, and are kept as long: journals refer to them.
-- topic: 1 prices dropped, 2 back in stock. interest: 0 subscribed, 1 wishlist, 2 carted, 3 viewed, 4 bought.
CREATE TABLE bulk (
    id          uuid NOT NULL,
    topic       smallint NOT NULL,
    occurred_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    items       jsonb NOT NULL,
    people      bigint[] NOT NULL,
    item        smallint[] NOT NULL,
    interest    smallint[] NOT NULL,
    since       bigint[] NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT bulk_topic_is_known CHECK (topic IN (1, 2)),
    CONSTRAINT bulk_says_who_hears_what CHECK (cardinality(people) > 0 AND cardinality(item) = cardinality(people)
        AND cardinality(interest) = cardinality(people) AND cardinality(since) = cardinality(people))
) PARTITION BY RANGE (id);

-- kind: 6 news, ref is its row, whose people are all meant: person_id is null.
ALTER TABLE intake ALTER COLUMN person_id DROP NOT NULL,
    DROP CONSTRAINT intake_kind_is_known,
    ADD CONSTRAINT intake_kind_is_known CHECK (kind IN (1, 2, 3, 4, 5, 6)),
    ADD CONSTRAINT intake_is_of_one_or_news CHECK ((person_id IS NULL) = (kind = 6));

-- what: 7 news, ref is its row, moment that of the catalog's change. catalog: the number the batch saw, null where it
-- asked of no product.
ALTER TABLE journal ADD COLUMN catalog bigint,
    DROP CONSTRAINT journal_what_is_known,
    ADD CONSTRAINT journal_what_is_known CHECK (what BETWEEN 1 AND 7);
