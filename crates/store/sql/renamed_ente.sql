if(toYYYYMM(f.day) IN {renamed_months:Array(UInt32)},
   transform(toString(f.ente), {renamed_before:Array(String)}, {renamed_after:Array(String)}, toString(f.ente)),
   toString(f.ente))
