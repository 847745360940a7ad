-- The console: two ways to look that people who ask have and the engine has not.

-- Who has this address. Hashed, since a trait may be longer than a tree's page takes; traits are written seldom, and only
-- what changes is written.
CREATE INDEX traits_by_email ON traits USING hash (plain_address(traits ->> 'email'))
    WHERE traits ->> 'email' IS NOT NULL;

-- What this door saw of messages, apart from what shops send: a small part of events, so that its upkeep is small.
CREATE INDEX events_tracked ON events (id) WHERE source = 'tracking';
