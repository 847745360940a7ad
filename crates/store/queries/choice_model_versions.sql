SELECT name, version FROM models WHERE promoted AND name IN ('channel', 'send_time') ORDER BY name
