KILL QUERY{on_cluster} WHERE query_kind = 'Insert' AND position(query, '{shadows}') > 0 SYNC
