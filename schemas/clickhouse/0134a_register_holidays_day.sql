ALTER TABLE register_holidays COMMENT COLUMN day 'Local day, from 1970 to 2099; the national ones are in register_national_holidays'
