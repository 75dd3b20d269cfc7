arrayStringConcat(arrayMap(
    (part, place) -> if(place = 2, {register:String}, part),
    splitByChar('+', e.rules), arrayEnumerate(splitByChar('+', e.rules))), '+')
