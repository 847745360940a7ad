SELECT event, field, money, "by" FROM demands ORDER BY feature
