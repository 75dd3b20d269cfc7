# English words. Fluent syntax: https://projectfluent.org
#
# Numbers come as numbers and are grouped, years as text; plurals are selected by the number.

## The language: its own name, its locale in browsers, its numbers and dates

language-name = English
language-locale = en-GB
language-thousands = { "," }
language-decimals = { "." }
language-date = { $day } { $month } { $year }

# Report. Arguments of every message:
#   $year      year of the report
#   $calendar  year, quarter or month, with its $quarter or $month
#   $span      compared days: a year, a part of it, or the days that have passed
#   $compared  compared year
#   $day       last counted day

## Signs and dates

undefined = n/a
unavailable = not available
contents = Contents
skip = Skip to content
total = Total
unregistered = Unregistered

month-1 = January
month-2 = February
month-3 = March
month-4 = April
month-5 = May
month-6 = June
month-7 = July
month-8 = August
month-9 = September
month-10 = October
month-11 = November
month-12 = December

## Periods

period =
    { $calendar ->
        [year] { $year }
        [quarter] quarter { $quarter } of { $year }
       *[month] { $month } { $year }
    }
on-compared =
    { $span ->
        [days] on the same days of { $compared }
        [part] on the same period of { $compared }
       *[year] on { $compared }
    }
in-compared =
    { $span ->
        [days] on the same days of { $compared }
        [part] in the same period of { $compared }
       *[year] in { $compared }
    }

## Counted nouns

uses-counted =
    { $uses ->
        [one] { $uses } use
       *[other] { $uses } uses
    }
visits-counted =
    { $visits ->
        [one] { $visits } visit
       *[other] { $visits } visits
    }
enti-counted =
    { $enti ->
        [one] { $enti } public body
       *[other] { $enti } public bodies
    }

## Cover

title = Use of online services · { period }
subject =
    { $enti ->
        [one] Portals of { $enti } public body
       *[other] Portals of { $enti } public bodies
    }
edition-public = public edition
edition-internal = internal edition: it has small counts and is not to be published
edition-provisional = provisional edition: the figures are not final yet
edition-reclassified = closed year, but present figures, classified by today’s rules: not the official ones of the seal
edition-of-part = part of a closed year: present figures, not those of the seal
edition-compared =
    { $span ->
        [days] compared with the same days of { $compared }
        [part] compared with the same period of { $compared }
       *[year] compared with { $compared }
    }
edition-until = period not over: data up to { $day }
edition-people = bots excluded
edition-all = bots included
edition-zone =
    { $zone-id ->
        [Europe-Rome] Italian time
       *[other] local time { $zone }
    }
edition-closed = year closed on { $sealed } · seal no. { $number }
edition-restated = restated
edition-restated-for = restated: { $cause }
edition-published = published on { $on }
edition-next = next edition: { $on }
edition-hash = checksum (SHA-256): { $hash }

## Findings

annex = Annex { $number } · { $title }
finding-reference = Table: { $title }

finding-growth =
    { $trend ->
        [up] Uses rose from { $before } to { $uses } ({ $growth } { on-compared }).
        [down] Uses fell from { $before } to { $uses } ({ $growth } { on-compared }).
       *[flat] Uses were { $uses }, as { in-compared }.
    }
    .title = { $growth } { on-compared }
finding-contribution =
    { $trend ->
        [up] Uses rose from { $before } to { $uses };
       *[down] Uses fell from { $before } to { $uses };
    } without “{ $service }” ({ $ente ->
        [none] { $difference }
       *[other] { $ente }, { $difference }
    }) the change would have been { $rest }.
    .title =
        { $ente ->
            [none] “{ $service }”, { $difference }
           *[other] “{ $service }” ({ $ente }), { $difference }
        }
finding-concentration = A single public body, { $ente }, recorded { $part } of { $whole } uses.
    .title = { $ente } recorded { $part } of { $whole } uses
finding-service-concentration = A single service, “{ $service }”, recorded { $part } of { $whole } uses.
    .title = “{ $service }” recorded { $part } of { $whole } uses
finding-enti-without-uses =
    { $enti ->
        [one] { $enti } public body of { $offering } recorded no use,
       *[other] { $enti } public bodies of { $offering } recorded no use,
    } although { $services ->
        [one] { $services } service was active.
       *[other] { $services } services were active.
    }
    .title =
        { $enti ->
            [one] { $enti } public body of { $offering } recorded no use
           *[other] { $enti } public bodies of { $offering } recorded no use
        }
finding-services-without-uses =
    { $services ->
        [one] { $services } of { $offered } active services was not used in the period
       *[other] { $services } of { $offered } active services were not used in the period
    }{ $others ->
        [0] .
        [one] ; one use was of a service that the body did not offer at its end.
       *[other] ; { $others } uses were of services that the body did not offer at its end.
    }
    .title =
        { $services ->
            [one] { $services } service of { $offered } was not used
           *[other] { $services } services of { $offered } were not used
        }
finding-turns =
    { $form ->
        [first] The most used of the new services is “{ $started }” ({ $gained } uses).
        [second] The retired service with the largest fall is “{ $stopped }” ({ $lost } uses fewer).
       *[both] The retired service with the largest fall is “{ $stopped }” ({ $lost } uses fewer); the most used of the new services is “{ $started }” ({ $gained } uses).
    }
    .title =
        { $form ->
            [first] new “{ $started }”
            [second] retired “{ $stopped }”
           *[both] retired “{ $stopped }”, new “{ $started }”
        }
finding-mobile =
    { $before ->
        [none] Smartphones and tablets made { $part } of { $whole } visits.
       *[other] Smartphones and tablets made { $part } of { $whole } visits ({ $before } { in-compared }).
    }
    .title = { $share } of visits by smartphone and tablet
finding-off-hours =
    { $before ->
        [none] Users outside office hours: { $share } of all.
       *[other] Users outside office hours: { $share } of all ({ $before } { in-compared }).
    }
    .title = { $share } of users outside office hours
finding-digital-identity = Uses with a digital identity (SPID, CIE, CNS) were { $part } of { $whole } ({ $before } { in-compared }).
    .title = { $share } of uses with a digital identity
finding-categories =
    { $form ->
        [first] The category with the largest rise is { $rising } ({ $rise }).
        [second] The category with the largest fall is { $falling } ({ $fall }).
       *[both] The category with the largest rise is { $rising } ({ $rise }), the one with the largest fall is { $falling } ({ $fall }).
    }
    .title =
        { $form ->
            [first] { $rising } { $rise }
            [second] { $falling } { $fall }
           *[both] { $rising } { $rise }, { $falling } { $fall }
        }
finding-top-services = The { $services } most used services recorded { $part } of { $whole } uses.
    .title = the first { $services } recorded { $part } of { $whole } uses

## Main figures

summary = At a glance
fact-uses = service uses
fact-payments = payments
fact-bookings = bookings
fact-visits = visits
fact-mobile = of visits
fact-off-hours = of users
fact-services = services
fact-offered = deployments
fact-uses-per-1000 = uses per 1,000 residents
fact-median = median of the { $enti } public bodies of like size
fact-rank = place among the { $enti } public bodies, from the highest
detail-growth = { $growth } { on-compared }
detail-no-growth = change not defined
detail-share = { $share } of the uses
detail-no-share = share not defined
detail-visitors =
    { $visitors ->
        [one] { $visitors } daily unique visitor
       *[other] { $visitors } daily unique visitors
    }
detail-no-visits = not received from portals
detail-mobile = were by smartphone or tablet
detail-off-hours = came outside office hours
detail-offered = services on offer per public body on { $day }
detail-services = on offer, each counted once, on { $day }
detail-services-used =
    { $used ->
        [0] on offer, none of them used
        [one] on offer, of which { $used } was used
       *[other] on offer, of which { $used } were used
    }

## Kinds, devices, logins, bands, statuses

kind-plain = Plain
    .short = Plain
kind-payments = Payments
    .short = Paym.
kind-bookings = Bookings
    .short = Book.
kind-unknown = Of unknown kind
device-desktop = Desktop
device-smartphone = Smartphone
device-tablet = Tablet
device-bot = Bot
device-other = Other
device-unknown = Not recorded
device-no-agent = No user agent
device-people = Total, bots excluded
device-mobile = Smartphone and tablet
login-spid-1 = SPID level 1
login-spid-2 = SPID level 2
login-spid-3 = SPID level 3
login-cie = Electronic identity card (CIE)
login-cns = National services card (CNS)
login-password = User name and password
login-none = Open access (no login)
band-night = Night
band-office = Office
band-evening = Evening
status-new = NEW
status-retired = RETIRED
status-unused = UNUSED
status-broken = BROKEN
place-italy = Italy
place-abroad = Abroad
unregistered-enti = Unregistered bodies ({ $enti })
cut-first = { $caption }. First { $shown } of { $rows } rows: the workbook has all.
cut-ranked =
    { $caption }. Largest { $largest } and smallest { $smallest } of { $rows } rows by “{ $column }”, and the sum of
    the others: workbook and CSV have all.
cut-others = Other rows ({ $rows })
cut-categories = Other categories ({ $categories })
slide-rest = { $shown } of { $all } shown: the report has all of them under “{ $title }”.
slide-last = The report has all tables, the definitions and the checks of the figures.
cut-notes = Further notes in the workbook: { $count }.

## Workbook

book-sheet = Sheet
book-content = Content
book-rank = Rank
code-ente = Code of the body
code-category = Code of the category
code-service = Code of the service

## Columns

column-total = Total
column-kind = Kind
column-category = Category
column-ente = Public body
    .short = Body
column-service = Service
column-status = Status
column-rank = { "" }
column-share = Share
column-share-of = Share { $compared }
column-change = Change
    .short = Change
column-difference = Difference
    .short = Diff.
column-uses = Uses
column-failed = Failed attempts
    .short = Failed
column-enti = Bodies
column-visits = Visits
column-visitors = Daily unique visitors
    .short = Visitors
column-residents = Residents
column-year = Year
column-uses-per-1000 = Uses per 1,000 residents
    .short = Per 1,000
column-portal-kind = Kind of portal
column-civic-visitors = Visitors of the civic network
    .short = Civic vis.
column-services-visitors = Visitors of the service area
    .short = Service vis.
column-civic-visits = Visits to the civic network
    .short = Civic visits
column-per-resident = Visits per resident
    .short = Per res.
column-device = Device
column-month = Month
column-mobile = Smartphone and tablet
    .short = Mobile
column-login = Login
column-place = Location
column-band = Band
column-from-to = From-to
column-users-per-hour = Users per hour
    .short = Users/h
column-hours-in-year = Hours in the period
    .short = Hours
column-users-hours = Users (total of the hours)
    .short = Total
column-hour = Hour
column-users = Users
column-users-days = Users (total of the days)
column-of-which-payments = of which payments
    .short =
        of which
        paym.
column-of-which-bookings = of which bookings
    .short =
        of which
        book.
column-check = Check
column-result = Result
column-seal = Seal
column-date = Date
column-cause = Cause
column-figure = Figure
column-before = Before
column-restated = Restated
column-activated = Activated in the year
column-of-which-cns = of which CNS
column-cns-share = Share of CNS
column-opened = Requests opened
column-solved = Requests solved
column-available = Measured (%)
column-agreed = Agreed (SLA, %)
column-services = Services
column-term = Term
column-definition = Definition
column-unit = Unit

## Uses

totals = Service uses
    .caption = Service uses (number of uses)
categories = Uses by category
    .caption = Uses by category (number of uses)
categories-chart = Uses by category (number of uses)
moves = Rising and falling categories
rising =
    .sheet = Rising categories
    .caption = Categories that rose { on-compared } (number of uses)
falling =
    .sheet = Falling categories
    .caption = Categories that fell { on-compared } (number of uses)
usage = Uses by public body and category
    .sheet = Uses by body and category
    .caption = Uses by public body and category (number of uses)
    .without = Public bodies without uses in the period: { $names }.
enti-without-uses =
    .sheet = Bodies without uses
    .caption = Public bodies without uses in the period
enti-without-services =
    .sheet = Bodies without services
    .caption = Public bodies without services
ente-changes =
    .sheet = Changes by body
    .caption = Change of uses by public body (number of uses)
usage-by-kind = Uses by public body, category and kind
    .sheet = Uses by body and kind
    .caption = Uses by public body, category and kind (number of uses)
offered = Services on offer on { $day }
    .sheet = Services on offer
    .caption = Services on offer by public body on { $day } (number of services)
    .without = Public bodies without services: { $names }.
offered-services =
    .caption = Services active on { $day }, with their uses (number of uses)

## One public body among others

peers = Comparison with public bodies of like size
    .no-residents = The register does not state the number of residents: no comparison with others is possible.
    .none = With { $residents } residents, fewer than { $least } public bodies are of like size (half to twice the residents): no comparison is possible.
    .compared = Compared are the { $enti } public bodies of the same kind with { $from } to { $to } residents, half to twice the { $residents } of this one, which is included.
peer-offers = Services on offer in other public bodies
    .caption = Services on offer in other public bodies and not in this one (number of public bodies)
    .of-union = At least half of the other { $others } municipalities of the union ({ $union }) offer the following services, and this one does not.
    .of-size = At least half of the other { $others } public bodies of like size offer the following services, and this one does not.
column-offered-by = Public bodies that offer it
    .short = Bodies
next-steps = Next steps
step-silent = No data arrived in the period: check that the portals send events.
step-names =
    { $more ->
        [one] { $names } and one other
       *[other] { $names } and { $more } others
    }
step-broken = Check the services with many failed attempts: { $names }.
step-unused =
    { $services ->
        [one] One service on offer was not used ({ $names }): check that it is easy to find on the portal, and make it known.
       *[other] { $services } services on offer were not used ({ $names }): check that they are easy to find on the portal, and make them known.
    }
step-not-offered =
    { $services ->
        [one] Check the register for a service that was used, but not on offer at the end of the period: { $names }.
       *[other] Check the register for { $services } services that were used, but not on offer at the end of the period: { $names }.
    }
step-missing =
    { $services ->
        [one] Consider a service that many of the others offer: { $names }.
       *[other] Consider { $services } services that many of the others offer: { $names }.
    }

## Charts

chart-range = Greatest: { $first } ({ $first-label }). Least: { $last } ({ $last-label }).
chart-trend = At the beginning: { $first } ({ $first-label }). At the end: { $last } ({ $last-label }).
chart-hidden = Suppressed (*): { $count }.
chart-missing = Missing: { $count }.
chart-table = Show the figures in a table

weekday-1 = Monday
weekday-2 = Tuesday
weekday-3 = Wednesday
weekday-4 = Thursday
weekday-5 = Friday
weekday-6 = Saturday
weekday-7 = Sunday
weekdays =
    .sheet = Weekdays and hours
    .caption = Visits by weekday and hour (number)
column-weekday = Weekday
usage-map = Uses by public body and category
usage-map-chart =
    { $shown ->
        [30] The 30 bodies with most uses of { $enti } (number of uses)
       *[other] Uses by public body and category (number of uses)
    }
category-months = Uses by category and month
    .caption = Uses by category and month (number of uses)
    .scales = Number of uses by month in the { $shown } categories used most. Each chart has its own scale: compare the course of the categories, not the height.
moves-chart = Change of uses by category (number of uses)

## Short report of one public body

brief-offer =
    { $offered ->
        [0] The body offered no service on { $day }.
        [one] The body offered { $offered } service on { $day },
       *[other] The body offered { $offered } services on { $day },
    }{ $used ->
        [none] { "" }
        [0] { " " }and none was used in the period.
       *[other] { " " }of which { $used } used in the period.
    }
    .others =
        { $services ->
            [one] One service of the list was not on offer on that day.
           *[other] { $services } services of the list were not on offer on that day.
        }
brief-habits = Hours and devices
brief-changes =
    .caption = Largest changes by service (number of uses)
brief-rest = Data and further reading
    .internal =
        { $more ->
            [0] Full
            [one] One more remark on the data, full
           *[other] { $more } more remarks on the data, full
        } lists, months, logins and countries are in the workbook and the CSV of this body; other bodies, checks and method in the general report of the same period.
    .public = Other bodies, charts of all visits and the method are in the general report of the same year.

## Services

variations = Main changes by category
    .sheet = Main changes
    .caption = Services that changed most, by category (number of uses)
    .caption-public = Services that changed most, of those with public figures in both years (number of uses)
service-changes = Changes of all services
    .caption = Changes of all services, by category (number of uses)
    .caption-public = Changes of the services with public figures in both years (number of uses)
contributions = Changes by public body and service
    .sheet = Changes by body and service
    .caption = Largest changes of a service in a public body (number of uses)
service-status = New, retired, unused and broken services
    .sheet = Status of services
    .caption = Status during the period (number of uses and of failed attempts)
top-services = Most used services
    .caption = Most used services (number of uses)
    .caption-public = Most used services, of those with public figures (number of uses)

## Visits

accesses = Visits, visitors and uses by public body
    .sheet = Visits by body
    .caption = Visits (number), daily unique visitors (summed over the period), uses, uses of the period per 1,000 residents
residents-source = Residents: { $sources }. Those of a union are the sum of those of its municipalities; the total has the listed municipalities and the members of unions, each once, and not the residents given for other bodies.
portals = Civic network and service area
    .caption = Kinds of portal (number of visits)
portal-kind-civic = Civic network
portal-kind-services = Service area
portal-kind-app = App
portal-kind-unknown = Kind not stated
civic-networks = Users of the civic network and of the service area
    .caption = Daily unique visitors (summed over the period), visits to the civic network (number), visits of the period per resident
    .residents = The residents in the total are those of municipalities with visits to the civic network and of the members of unions with such visits, each counted once.
civic-networks-chart = Visits to the civic network per resident
devices = Devices
    .caption = Devices (number of visits)
devices-services =
    .caption = Devices used in the service area (number of visits)
devices-bots = Bots (counted separately, not in shares): { visits-counted }.
devices-no-agent = Clients without a user agent (counted separately, not in shares): { visits-counted }.
months = Months
    .caption = Visits by month, and the share of smartphones and tablets
    .caption-public = Visits and uses by month (number), share of smartphones and tablets
months-chart = Share of smartphones and tablets by month (% of visits)
logins = How users logged in
    .caption = Uses and visits by kind of login (number)
places = Location of visitors
    .caption = Location of visitors (number of visits)
places-unknown = Unknown location (not in shares): { visits-counted }.

## Hours

bands = Bands of the day
    .caption = Bands of the day (mean users per hour)
    .off = Users outside office hours: { $share }.
hours = Hours of the day
    .caption = Hours of the day (mean users per hour)
    .caption-public = Hours of the day (number of visits)

## Other sources

not-available = Not available.
source-named = Source: { $source }, { $date }. Imported by { $by }. Licence: { $licence }.
source-unnamed = Source: { $source }, { $date }. Licence: { $licence }.
identity-credentials = Identity credentials
    .sheet = Credentials
credentials =
    .caption = Credentials activated by year, and active in total (number)
    .total = Total active
credentials-chart = Credentials activated by year (number)
help-desk = Help desk
help-desk-requests =
    .caption = Requests by month (number)
probe-alerts = Monitoring alerts
    .sheet = Monitoring alerts
alerts =
    .caption = Alerts by month (number)
alerts-chart = Alerts by month (number)
availability = Service availability
availability-months =
    .caption = Availability by month (% of the time)
active-services = Services per public body, as reported by another source
    .sheet = Services, other source
active-services-enti =
    .caption = Services per public body, as reported by the source (number of services)

# Units of numbers from other sources: $number is the number as text, $count selects the plural.
unit-percent = { $number }%
unit-ms = { $number } ms
unit-s = { $number } s
unit-min = { $number } min
unit-h = { $number } h
unit-working-h =
    { $count ->
        [one] { $number } working hour
       *[other] { $number } working hours
    }
unit-d =
    { $count ->
        [one] { $number } day
       *[other] { $number } days
    }
unit-working-d =
    { $count ->
        [one] { $number } working day
       *[other] { $number } working days
    }
unit-months =
    { $count ->
        [one] { $number } month
       *[other] { $number } months
    }

doubt-payments-above-total = { $of }: payments ({ $count }) exceed the total ({ $total }).
doubt-bookings-above-total = { $of }: bookings ({ $count }) exceed the total ({ $total }).
doubt-cns-above-total = { $of }: CNS cards ({ $count }) exceed the total ({ $total }).
doubt-parts-above-total = { $of }: payments and bookings together ({ $count }) exceed the total ({ $total }).
doubt-sums = { $of }: the figures add up to { $sum }, the stated total is { $total }.
doubt-growth = { $of }: from { $before } to { $now } the change is { $growth }, not { $said }.
doubt-unknown-ente = { $of }: not in the register.
doubt-register =
    { $said ->
        [one] { $of }: { $said } service by the source, { $registered } in the register.
       *[other] { $of }: { $said } services by the source, { $registered } in the register.
    }

## Quality

quality = Data quality
checks =
    .caption = Checks on the data
check-passed = passed
check-found =
    { $count ->
        [one] { $count } finding
       *[other] { $count } findings
    }
check-nothing = nothing was found
check-broken-service = { $service }: the service is broken.
check-data = Data exist for both periods
check-parts = Parts add up to their total
check-sums = Totals computed in different ways agree
check-offered = All uses are of services on offer
check-registered = Public bodies, services and categories are in the register
check-silence = No public body is without data for several days
check-level = No sudden shift where the classification rules changed
check-broken = No service is broken
check-sources = Figures of other sources do not contradict themselves

note-no-data = No data for { period }.
note-no-accesses = In the period, portals sent uses but no visits: the number of visits is unknown.
note-no-data-to-compare = No use recorded { in-compared }: changes are not defined.
note-kinds = Kinds do not add up to the total: their sum is { $sum }, all uses are { $uses }.
note-unregistered-use =
    { $uses ->
        [one] { uses-counted } is of services or public bodies that the register does not have.
       *[other] { uses-counted } are of services or public bodies that the register does not have.
    }
note-unregistered-enti = Not in the register: { enti-counted }, with { uses-counted }.
note-unknown-category = In category { $category }, which the register does not have: { uses-counted }.
note-services-not-offered =
    { $uses ->
        [one] { uses-counted } is
       *[other] { uses-counted } are
    } of { $services ->
        [one] { $services } service that was not on offer on { $day }.
       *[other] { $services } services that were not on offer on { $day }.
    }
note-categories-not-offered =
    { uses-counted }, in { enti-counted } ({ $pairs ->
        [one] { $pairs } pair
       *[other] { $pairs } pairs
    } of public body and category), { $uses ->
        [one] is
       *[other] are
    } in categories in which the public body offered no service on { $day }.
note-uses-disagree = Totals disagree: { uses-counted } by public body, { $other } by service.
note-visits-disagree = Totals disagree: { visits-counted } by device, { $other } by band of the day.
note-users-disagree =
    { $users ->
        [one] Totals disagree: { $users } user by band of the day, { $other } by hour of the day.
       *[other] Totals disagree: { $users } users by band of the day, { $other } by hour of the day.
    }
note-silent-days =
    { $days ->
        [one] { $ente }: no event for { $days } day from { $from }.
       *[other] { $ente }: no event for { $days } days from { $from }.
    }
note-level-shift = From { $from }, under rules { $rules }, the share of { $device } visits went from { $before } to { $after }.
note-months-in-doubt = Figures of { $months } may be too low or too high: they are being compared with the events.
note-records-lost =
    { $records ->
        [one] Up to { $records } record lost before it was counted, possible from { $from } to { $to }: { $reason }.
       *[other] Up to { $records } records lost before they were counted, possible from { $from } to { $to }: { $reason }.
    }

## Restatements

restatements = Restatements
    .caption = Closings of the year, from the first to the last (number of uses)
    .first = first closing
moved =
    .sheet = Restated figures
    .caption = Restated figures (number of uses or of visits)
    .total = Uses, total
    .category = Uses, category { $name }
    .ente = Uses, public body { $name }
    .device = Visits, { $name }

## Method

method = Method
    .source = The figures come from the events that portals send, each counted once, in local time { $zone }. Names, categories and services on offer come from the register, version { $version }. No personal data is kept.
definitions =
    .caption = Definitions and units

term-use = Service use
    .text = A completed operation in an online service. Abandoned and failed operations do not count.
    .unit = uses
term-kinds = Plain, payments, bookings
    .text = Every use is of exactly one kind: the three kinds add up to the total.
    .unit = uses
term-visit = Visit
    .text = A visit of a page or area of a portal; parts of pages, such as pictures, and error answers do not count.
    .unit = visits
term-visitors = Daily unique visitors
    .text = The distinct visitors of each day to each public body, summed over the days. No visitor can be recognised from one day to the next, or from one public body to another.
    .unit = visitors
term-users-per-hour = Users per hour
    .text = The distinct visitors of each hour, summed over the hours and divided by the actual hours of the period, changes of the clock included.
    .unit = users per hour
term-off-hours = Share outside office hours
    .text = Share of users in night and evening hours: each band weighs in proportion to its length.
    .unit = %
term-change = Change
    .text = The difference from the same days of the compared year, in percent of those. With fewer than 30 uses on those days it is not defined. Above 200% its factor is shown, too: ×4.4 is 4.4 times the earlier figure.
    .unit = %
term-share = Share
    .text = The part in percent of the whole, rounded: shares may not add up to 100%.
    .unit = %
term-offered = Services on offer
    .text = The services deployed on the last day of the period according to the register, counted once for each public body that offers them.
    .unit = services
term-per-resident = Visits per resident
    .text = The visits of the period divided by the residents that the register gives, with the year of that number.
    .unit = visits per resident
term-new = NEW, RETIRED
    .text = A service first deployed in the period; a service whose last deployment ended in the period.
term-unused = UNUSED
    .text =
        { $span ->
            [year] A service deployed in the whole period and used in the compared year, neither used nor tried in this one.
           *[other] A service deployed in the whole period and used on the same days of the compared year, neither used nor tried on these.
        }
term-broken = BROKEN
    .text =
        { $span ->
            [year] A service deployed at the end of the period of which more than { $percent } of at least { $attempts } attempts failed; or with at least { $uses } uses, the last of them before October, though in the compared year it was used later, too.
           *[other] A service deployed at the end of the period of which more than { $percent } of at least { $attempts } attempts failed; or, if the period has days after October, with at least { $uses } uses, the last of them before October, though on the same days of the compared year it was used later, too.
        }
term-device = Device
    .text = Type of device, from the browser’s user agent. Bots and visits without a user agent are counted separately and are not in shares.
    .unit = visits
term-login = Login
    .text = How the person logged in: SPID, CIE, CNS, password or not at all. The share is of the uses.
    .unit = uses, visits
term-signs = n/a, not available, –, *
    .text = Not defined (a change or share of fewer than 30); a figure that no source supplied; zero; a figure left out because it is about too few people.

## Public edition

protection = Protection of data
    .text =
        { $last ->
            [one] The count 1 could point at a single person: it is left out (*),
           *[other] Counts from 1 to { $last } could point at single persons: they are left out (*),
        } with those from which they could be derived. In the tables published together { $hidden } cells are left out; a zero is always shown, and a value computed from a cell left out is left out, too. Failed attempts, restatements and findings with figures are in the internal edition only.

## Centre

contact = Contact
contact-centre = Published by { $text }
contact-address = Address: { $text }
contact-questions = Questions: { $text }
contact-licence = Licence: { $text }

## Open data

data-title = Use of the digital services of public bodies
data-about = How much the digital services of public bodies are used, by year. { $hidden }
data-hidden = Counts other than zero and below { $least }, and those from which they could be derived, are not published (status: suppressed).
data-keyword-services = digital services
data-keyword-administration = public administration
data-keyword-uses = uses
data-of-year = { $title }, { $year }
    .about = { $about } Year { $year }. { $hidden }
data-csv = { $title } (CSV)
    .about = CSV, UTF-8, separated by commas. Columns: { $columns }.
sheet-utilizzi-per-categoria = Uses of digital services by category and kind
    .about = Uses completed by people, by category of service and kind (plain, payment, booking).
sheet-utilizzi-per-ente = Uses of digital services by public body and kind
    .about = Uses completed by people, by public body (IPA code) and kind (plain, payment, booking).
sheet-utilizzi-per-ente-e-categoria = Uses of digital services by public body, category and kind
    .about = Uses completed by people, by public body (IPA code), category of service and kind.
sheet-utilizzi-per-servizio = Uses of digital services by service
    .about = Uses completed by people, by service, in all public bodies.
sheet-utilizzi-per-mese = Uses of digital services by month and public body
    .about = Uses completed by people, by month (YYYY-MM) and public body (IPA code).
sheet-accessi-per-dispositivo = Accesses to portals by month and device
    .about = Accesses of people to the pages of portals, by month and class of device.
sheet-accessi-per-tipo-di-portale = Accesses to the portals by kind of portal, month and device
    .about = Accesses of people to the pages of civic networks, service areas and apps, by month and class of device.
sheet-accessi-per-giorno-e-ora = Accesses to portals by weekday and hour
    .about = Accesses of people to the pages of portals, by weekday (1 is Monday) and local hour.

## Web pages: their titles, and their names in the menu where shorter

page-overview = Overview
page-categories = Service categories
    .menu = Categories
page-enti = Public bodies
page-services = Services
page-variations = Main variations
    .menu = Variations
page-compare = Compare
page-hours = Hours
page-devices = Devices
page-live = Live
page-events = Live events
    .menu = Events

## Web pages: the frame

web-tagline = use of the digital services of public bodies
web-sections = Sections
web-controls = Period and public body
web-no-script = These pages draw their data with JavaScript, which is off here. The same data comes from the interface under /v1, described at /docs.

## Web pages: words

web-year = Year
web-month = Month
web-whole-year = whole year
web-ente = Public body
web-all-enti = all public bodies
web-total = Total
web-uses = Uses
web-plain = Plain
web-payments = Payments
web-bookings = Bookings
web-accesses = Accesses
web-visits = Page accesses
web-share = Share
web-share-in = Share, { $year }
web-before = In { $year }
web-change = Change
    .text = The difference from the compared period, in percent of it. With fewer than 30 in the compared period it is not defined (n/a).
web-difference = Difference
web-category = Category
web-service = Service
web-service-and-ente = Service, public body
web-device = Device
web-hour = Hour
web-band = Band
web-state = State
web-offered = Offered
web-used = Used
web-instant = Time
web-portal-kind = Kind of portal
web-by-portal-kind = Accesses by kind of portal
web-portal-kind-civic = Civic network
web-portal-kind-services = Service area
web-portal-kind-app = App
web-portal-kind-unknown = Kind not stated
web-device-desktop = Desktop
web-device-smartphone = Smartphone
web-device-tablet = Tablet
web-device-other = Other
web-device-unknown = Not recorded
web-device-no-agent = No user agent
web-device-bot = Bot
web-band-night = Night, 0–8
web-band-office = Office hours, 8–18
web-band-evening = Evening, 18–24
web-state-new = New
web-state-retired = Retired
web-state-unused = Unused
web-state-broken = Broken
web-state-unregistered = Unregistered
web-no-category = No category
web-unregistered = Unregistered
web-uses-in = Service uses, { $period }
web-uses-by-month = Service uses by month
web-compared = compared with { $year }
web-by-category = Uses by category
web-by-ente = Uses by public body
web-top-services = Services used most
web-by-service = Uses by service
web-by-kind = Uses by kind
web-kind = Kind
web-matrix = Uses by category and kind: { $name }
web-devices-by-month = Share of accesses by device and month
web-by-device = Accesses by device
web-heat = Accesses by weekday and hour
web-users-by-band = Mean users per hour
web-users-by-hour = Mean users by hour of day
web-mean-users = Mean users per hour
web-offered-used = Services offered and used
web-compare-with = Compare with
web-compared-title = { $year } and { $compared } compared
web-live-title = The last 60 minutes, minute by minute
web-last-hour = in the last hour
web-last-event = Latest event
web-live-now = updated every 10 seconds
web-events-now = what became of each event, within a second
web-events-last =
    { $count ->
        [one] The last event
       *[other] The last { $count } events, the newest first
    }
web-events-none = No event yet. An event that a portal sends appears here within a second. One that the collector refuses does not reach the log: its answer names the reason.
web-events-result = Result
web-events-type = Event
web-events-source = Source begins with
web-events-source-and-id = Source and id
web-fate-accepted = Accepted
web-fate-warned = Accepted, with a warning
web-fate-duplicate = Duplicate
web-fate-refused = Refused
web-fate-report = Report
web-pause = Pause
web-resume = Resume
web-show-table = Show the data as a table
web-search = Search
web-none-found = No row was found.
web-show-more =
    { $count ->
        [one] Show more rows: { $count } is left
       *[other] Show more rows: { $count } are left
    }
web-mobile = { $share } from smartphones and tablets
web-secret = confidential
web-secret-note = ∗ Not published: a very small count, or one from which it could be worked out.
web-nd = n/a
web-not-defined = not defined
web-empty = No data for this period.
web-loading = Loading…
web-loaded = { $page }: data updated.
web-failed = The data is not available.
web-retry = Try again
web-foot = People are counted, not bots. No name or address is kept; readers without a key get no cookie.
web-interface = Interface and documentation
web-not-closed = { $period }: there are no public figures.
web-closed-only = Figures of a year or a month are public once the period is closed; with a key they can be seen before.
web-newest-closed = Go to the newest closed period: { $period }
web-needs-key = This data is not public: it needs an access key.
web-key-enter = Enter the key
web-key = Access key
web-key-help = A key shows the figures of your own public body, without confidential values. It holds for other tabs and after a restart, until you sign out or the session ends. The key is not stored: there is a technical cookie that no script can read.
web-key-use = Sign in
web-key-forget = Sign out
web-close = Close
web-key-on = Signed in
web-key-refused = The key is not valid, or does not allow this data.
web-session-ended = The session has ended. Sign in again, or load the page again for the public figures.
web-incomplete =
    { $days ->
        [one] Note: the data of one day of this period is missing.
       *[other] Note: the data of { $days } days of this period is missing.
    }

## Figures in other sites

embed-uses = uses of digital services { embed-in }
embed-accesses = accesses to the portals { embed-in }
embed-in =
    { $month ->
        [none] in { $year }
       *[other] in { $month } { $year }
    }
embed-source = Source: { $publisher }.
embed-more = All figures and definitions
embed-hidden = Hidden: a very small count, or another one that would reveal it.
embed-period = From { $from } to { $to }.
embed-resource-usage = Use of digital services
embed-resource-categories = Uses of digital services by category
embed-resource-enti = Uses of digital services by public body
embed-resource-matrix = Uses of digital services by public body and category
embed-resource-top-services = Most used digital services
embed-resource-variations = Digital services: main changes
embed-resource-hours = Use of the portals by hour of the day
embed-resource-bands = Use of the portals by time of day
embed-resource-devices = Accesses to the portals by device
embed-column-ente = Public body
embed-column-category = Category
embed-column-service = Service
embed-column-kind = Kind
embed-column-device = Device
embed-column-band = Time of day
embed-column-hour = Hour
embed-column-weekday = Day
embed-column-month = Month
embed-column-year = Year
embed-column-service_uses = Uses
embed-column-of_which_plain = Plain
embed-column-of_which_payments = Payments
embed-column-of_which_bookings = Bookings
embed-column-accesses = Accesses
embed-column-users_per_hour_mean = Mean users per hour
embed-column-share_percent = Share
embed-column-before = In the compared period
embed-column-difference = Difference
embed-column-change_percent = Change

## Web pages: the footer, and addresses without a page

web-open-data = Open data
web-accessibility = Accessibility statement
web-privacy = Privacy
web-legal-notes = Legal notes
web-no-page = Page not found
    .text = There is no page at this address. You may be looking for one of these:

## Web pages: below the tables, and the date of the figures

web-sort = Sort by this column
web-definitions = Definitions
web-download = Download:
web-download-xlsx = Excel
web-download-csv = CSV
web-download-csv-excel = CSV for Excel in Italian
web-download-image = Download the chart as an image
web-every-state = every state
web-state-changed = Changed
web-until = data up to { $day }
web-closed = Figures of { $year }, closed on { $day }.
web-closed-month = Figures of { $year }, closed on { $day }.
web-as-of = Figures as of { $time }.

## Web pages: findings, and figures for the ente's own site

web-findings = Findings
web-findings-until = Whole days up to { $day } are counted, and compared with the same days of the year before.
web-embed = These figures on your own site
web-embed-help = A picture with the total and a table, to copy into the page. The guide for editors explains the other forms.
web-embed-alt = Uses of digital services
web-preview = Preview of the public edition
web-preview-help = How much would be confidential if this period was closed now. The choice of cells may differ when it is closed.
web-preview-state =
    { $state ->
        [waiting] Another preview is being computed…
        [reading] The figures are being read…
       *[protecting] Small counts are being protected…
    }
web-preview-none = No protection of small counts was found: closing would publish nothing new.
web-preview-refused = A preview needs a key that reaches all public bodies.
web-preview-tables = Cells of the public tables
web-preview-table = Figures by
web-preview-cells = Cells
web-preview-hidden = Of which confidential
web-weekday = Weekday

## Errors of the API
problem-bad-parameter = A parameter cannot be used
problem-unauthorized = A valid key is needed
problem-forbidden = The key does not allow this
problem-not-published = There is no public edition of this
problem-not-acceptable = There is no such format
problem-too-many-requests = Too many requests
problem-unavailable = The service cannot answer now
problem-internal = The service failed
problem-detail-parameter = The parameter { $parameter } cannot be used.
problem-detail-reason = Reason: { $reason }.
problem-detail-allowed = Possible values: { $allowed }.
problem-detail-range = Use a whole number from { $minimum } to { $maximum }.
problem-detail-suggestion = { $suggestion } may be meant.
problem-detail-key = Send a key in the header Authorization. Without a key there are closed years and months.
problem-detail-reach = The key does not reach this: use one that includes the public body.
problem-detail-later = Wait as long as Retry-After says, and try again.
problem-detail-documented = The page /docs has the documentation.
