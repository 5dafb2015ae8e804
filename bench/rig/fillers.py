"""People and plays that nobody reads, copied by SQL from those that were loaded: what is sealed in them does not open."""
import postgres

DATABASE = "growth"
GAMES = [game[0] for game in postgres.GAMES]

# What differs from copy to copy, for person `i`.
OF_PERSON = {
    "users": {"id": "i", "username": "'filler_' || i", "webauthn_user_handle": "gen_random_uuid()"},
    "user_details": {"user_id": "i", "email_index": "'filler_' || i"},
    "sessions": {"id": "gen_random_uuid()", "user_id": "i", "refresh_jti": "gen_random_uuid()::text"},
    **{table: {"user_id": "i"} for table in ["user_avatar_infos", "user_passions", "user_terms_agreements", "audit_log"]},
}


def sql(text):
    return postgres.psql(text, database=DATABASE)


def copy(table, other, source):
    """Copies rows of a table: `other` has what its columns are instead of what `t` has, `source` is where `t` and the rest come from."""
    columns = sql(f"select quote_ident(column_name) from information_schema.columns where table_name = '{table}' and (column_name <> 'id' or {'id' in other}) order by ordinal_position").split("\n")
    values = [other.get(column, f"t.{column}") for column in columns]
    sql(f"set synchronous_commit = off; insert into {table} ({', '.join(columns)}) select {', '.join(values)} from {source}")


def newest_plays(table, condition):
    return f"(select distinct on (user_id) * from {table} where {condition} order by user_id, id desc) t"


def add_people(loaded, first, last):
    """People `first` to `last`, each a copy of one of the `loaded` with their newest play of each game."""
    of, series = f"1 + (i - 1) % {loaded}", f"generate_series({first}, {last}) i"
    for table, other in OF_PERSON.items():
        key = "id" if table == "users" else "user_id"
        copy(table, other, f"{series} join (select * from {table} where {key} <= {loaded}) t on t.{key} = {of}")
    for table in GAMES:
        copy(table, {"user_id": "i"}, f"{series} join {newest_plays(table, f'user_id <= {loaded}')} on t.user_id = {of}")


def add_plays(people, count):
    """Plays of these people, up to `count` in each game, older than those that they have: their numbers are below 0."""
    ids = ", ".join(map(str, people))
    for table in GAMES:
        if count > 1:
            copy(table, {"id": f"-(t.user_id * {2 * count} + n)"}, f"generate_series(2, {count}) n, {newest_plays(table, f'user_id in ({ids})')}")


def settle():
    sql("vacuum analyze")
    sql("checkpoint")
