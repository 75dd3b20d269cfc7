SELECT uniqExact(stream) FROM acceptances
WHERE what = 'log' AND (stream = {topic:String} OR startsWith(toString(stream), concat({topic:String}, '~')))
