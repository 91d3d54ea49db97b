ALTER TABLE message ADD COLUMN verdict TEXT NOT NULL DEFAULT '';
ALTER TABLE message ADD COLUMN reason TEXT NOT NULL DEFAULT '';
UPDATE message SET (verdict, reason) = (
    SELECT json_extract(value, '$.action'), json_extract(value, '$.reason')
    FROM json_each(message.explanation, '$.outcomes')
    ORDER BY
        CASE json_extract(value, '$.action')
            WHEN 'create' THEN 0 WHEN 'post' THEN 1 WHEN 'bounce' THEN 2 WHEN 'hold' THEN 3 WHEN 'refuse' THEN 4
            ELSE 5
        END,
        key
    LIMIT 1
) WHERE explanation != '' AND json_array_length(explanation, '$.outcomes') > 0;
CREATE INDEX message_by_received ON message (received);

CREATE TABLE notice (
    topic TEXT PRIMARY KEY,
    since REAL NOT NULL
);
