#!/bin/sh
# Run once by the postgres image, when it makes the database: the login that owns it. The app's
# login is made by "pitboss migrate".
set -eu
psql -v ON_ERROR_STOP=1 -v password="$PITBOSS_OWNER_PASSWORD" -U postgres -d postgres << 'END'
create role pitboss_owner login createrole password :'password';
create database pitboss owner pitboss_owner encoding 'UTF8' template template0;
END
