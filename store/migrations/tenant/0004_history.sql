-- A player's transfers, the latest first.
create index transfer_player on transfer (player, id);

-- A player's transfers of a round, the first one first: it says where the round stands among the player's others. By
-- room first, since what is written goes to one place for each room then, and not for each player.
create index transfer_round on transfer (room, ref, player, id) where room is not null;

-- How a round began and ended, without what happened in between. The types are rooms/game's, for all games.
create index event_bounds on event (room, round) where type in ('round.opened', 'round.settled', 'round.voided');

-- Before step 3 no event was marked that makes a seed public; in those days these did.
update event set reveals = true
where not reveals and (type = 'wheel.spun' or type = 'round.voided' and data ->> 'seed' is not null);
