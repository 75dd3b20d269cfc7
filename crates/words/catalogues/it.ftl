# Italian words. Fluent syntax: https://projectfluent.org
#
# Numbers come as numbers and are grouped, years as text; plurals are selected by the number.

## The language: its own name, its locale in browsers, its numbers and dates

language-name = Italiano
language-locale = it-IT
language-thousands = { "." }
language-decimals = { "," }
language-date =
    { $day ->
        [1] 1º { $month } { $year }
       *[other] { $day } { $month } { $year }
    }

# Report. Arguments of every message:
#   $year      year of the report
#   $calendar  year, quarter or month, with its $quarter or $month
#   $span      compared days: a year, a part of it, or the days that have passed
#   $compared  compared year
#   $day       last counted day

## Signs and dates

undefined = n.d.
unavailable = non disponibile
contents = Indice
skip = Vai al contenuto
total = Totale
unregistered = Non registrati

month-1 = gennaio
month-2 = febbraio
month-3 = marzo
month-4 = aprile
month-5 = maggio
month-6 = giugno
month-7 = luglio
month-8 = agosto
month-9 = settembre
month-10 = ottobre
month-11 = novembre
month-12 = dicembre

## Periods

period =
    { $calendar ->
        [year] { $year }
        [quarter] { $quarter }º trimestre { $year }
       *[month] { $month } { $year }
    }
on-compared =
    { $span ->
        [days] sugli stessi giorni del { $compared }
        [part] sullo stesso periodo del { $compared }
       *[year] sul { $compared }
    }
in-compared =
    { $span ->
        [days] negli stessi giorni del { $compared }
        [part] nello stesso periodo del { $compared }
       *[year] nel { $compared }
    }

## Counted nouns

uses-counted =
    { $uses ->
        [one] { $uses } utilizzo
       *[other] { $uses } utilizzi
    }
visits-counted =
    { $visits ->
        [one] { $visits } accesso
       *[other] { $visits } accessi
    }
enti-counted =
    { $enti ->
        [one] { $enti } ente
       *[other] { $enti } enti
    }

## Cover

title =
    { $calendar ->
        [year] Utilizzo dei servizi online – Anno { $year }
       *[other] Utilizzo dei servizi online – { period }
    }
subject =
    { $enti ->
        [one] Portali di { $enti } ente
       *[other] Portali di { $enti } enti
    }
edition-public = edizione pubblica
edition-internal = edizione interna: contiene cifre piccole e non va pubblicata
edition-provisional = edizione provvisoria: i dati non sono ancora definitivi
edition-reclassified = anno chiuso, ma dati attuali, classificati con le regole di oggi: non sono quelli ufficiali della chiusura
edition-of-part = parte di un anno chiuso: dati attuali, non quelli della chiusura
edition-compared =
    { $span ->
        [days] confronto con gli stessi giorni del { $compared }
        [part] confronto con lo stesso periodo del { $compared }
       *[year] confronto con il { $compared }
    }
edition-until = periodo in corso: dati fino al { $day }
edition-people = accessi automatici (bot) esclusi
edition-all = accessi automatici (bot) compresi
edition-zone =
    { $zone-id ->
        [Europe-Rome] ora italiana
       *[other] ora locale { $zone }
    }
edition-closed = anno chiuso il { $sealed } · chiusura n. { $number }
edition-restated = dati rettificati
edition-restated-for = dati rettificati per: { $cause }
edition-published = pubblicato il { $on }
edition-next = prossima edizione: { $on }
edition-hash = impronta di verifica (SHA-256): { $hash }

## Findings

annex = Allegato { $number } · { $title }
finding-reference = Tabella: { $title }

finding-growth =
    { $trend ->
        [up] Gli utilizzi sono aumentati da { $before } a { $uses } ({ $growth } { on-compared }).
        [down] Gli utilizzi sono diminuiti da { $before } a { $uses } ({ $growth } { on-compared }).
       *[flat] Gli utilizzi sono { $uses }, come { in-compared }.
    }
    .title = { $growth } { on-compared }
finding-contribution =
    { $trend ->
        [up] Gli utilizzi sono aumentati da { $before } a { $uses };
       *[down] Gli utilizzi sono diminuiti da { $before } a { $uses };
    } senza «{ $service }» ({ $ente ->
        [none] { $difference }
       *[other] { $ente }, { $difference }
    }) la variazione sarebbe stata di { $rest }.
    .title =
        { $ente ->
            [none] «{ $service }», { $difference }
           *[other] «{ $service }» ({ $ente }), { $difference }
        }
finding-concentration = Un solo ente, { $ente }, ha registrato { $part } utilizzi su { $whole }.
    .title = { $ente } ha registrato { $part } utilizzi su { $whole }
finding-service-concentration = Un solo servizio, «{ $service }», ha registrato { $part } utilizzi su { $whole }.
    .title = «{ $service }» ha registrato { $part } utilizzi su { $whole }
finding-enti-without-uses =
    { $enti ->
        [one] { $enti } ente su { $offering } non ha registrato utilizzi,
       *[other] { $enti } enti su { $offering } non hanno registrato utilizzi,
    } pur avendo { $services ->
        [one] { $services } servizio attivo.
       *[other] { $services } servizi attivi.
    }
    .title =
        { $enti ->
            [one] { $enti } ente su { $offering } non ha registrato utilizzi
           *[other] { $enti } enti su { $offering } non hanno registrato utilizzi
        }
finding-services-without-uses =
    { $services ->
        [one] { $services } servizio attivo su { $offered } non è stato utilizzato nel periodo
       *[other] { $services } servizi attivi su { $offered } non sono stati utilizzati nel periodo
    }{ $others ->
        [0] .
        [one] ; un utilizzo riguarda un servizio che a fine periodo l’ente non aveva attivo.
       *[other] ; { $others } utilizzi riguardano servizi che a fine periodo l’ente non aveva attivi.
    }
    .title =
        { $services ->
            [one] { $services } servizio su { $offered } non è stato utilizzato
           *[other] { $services } servizi su { $offered } non sono stati utilizzati
        }
finding-turns =
    { $form ->
        [first] Il più utilizzato dei servizi nuovi è «{ $started }» ({ $gained } utilizzi).
        [second] Il servizio disattivato con il calo maggiore è «{ $stopped }» ({ $lost } utilizzi in meno).
       *[both] Il servizio disattivato con il calo maggiore è «{ $stopped }» ({ $lost } utilizzi in meno); il più utilizzato dei servizi nuovi è «{ $started }» ({ $gained } utilizzi).
    }
    .title =
        { $form ->
            [first] nuovo «{ $started }»
            [second] disattivato «{ $stopped }»
           *[both] disattivato «{ $stopped }», nuovo «{ $started }»
        }
finding-mobile =
    { $before ->
        [none] Gli accessi da smartphone e tablet sono stati { $part } su { $whole }.
       *[other] Gli accessi da smartphone e tablet sono stati { $part } su { $whole } ({ $before } { in-compared }).
    }
    .title = { $share } degli accessi da smartphone e tablet
finding-off-hours =
    { $before ->
        [none] Utenti collegati fuori dall’orario di sportello: { $share } del totale.
       *[other] Utenti collegati fuori dall’orario di sportello: { $share } del totale ({ $before } { in-compared }).
    }
    .title = { $share } degli utenti fuori dall’orario di sportello
finding-digital-identity = Gli utilizzi con identità digitale (SPID, CIE, CNS) sono stati { $part } su { $whole } ({ $before } { in-compared }).
    .title = { $share } degli utilizzi con identità digitale
finding-categories =
    { $form ->
        [first] La categoria con l’aumento maggiore è { $rising } ({ $rise }).
        [second] La categoria con il calo maggiore è { $falling } ({ $fall }).
       *[both] La categoria con l’aumento maggiore è { $rising } ({ $rise }), quella con il calo maggiore è { $falling } ({ $fall }).
    }
    .title =
        { $form ->
            [first] { $rising } { $rise }
            [second] { $falling } { $fall }
           *[both] { $rising } { $rise }, { $falling } { $fall }
        }
finding-top-services = I { $services } servizi più utilizzati hanno registrato { $part } utilizzi su { $whole }.
    .title = i primi { $services } hanno registrato { $part } utilizzi su { $whole }

## Main figures

summary = In sintesi
fact-uses = utilizzi dei servizi
fact-payments = pagamenti
fact-bookings = prenotazioni
fact-visits = accessi
fact-mobile = degli accessi
fact-off-hours = degli utenti
fact-services = servizi attivi
fact-offered = dispiegamenti
fact-uses-per-1000 = utilizzi ogni 1.000 residenti
fact-median = mediana dei { $enti } enti di dimensione simile
fact-rank = posto tra i { $enti } enti, dal più alto
detail-growth = { $growth } { on-compared }
detail-no-growth = variazione non calcolabile
detail-share = { $share } degli utilizzi
detail-no-share = quota non calcolabile
detail-visitors =
    { $visitors ->
        [one] { $visitors } visitatore unico giornaliero
       *[other] { $visitors } visitatori unici giornalieri
    }
detail-no-visits = non ricevuti dai portali
detail-mobile = da smartphone e tablet
detail-off-hours = fuori dall’orario di sportello
detail-offered = servizi attivi per ente al { $day }
detail-services = diversi, al { $day }
detail-services-used =
    { $used ->
        [0] nessuno utilizzato
        [one] di cui { $used } utilizzato
       *[other] di cui { $used } utilizzati
    }

## Kinds, devices, logins, bands, statuses

kind-plain = Senza pagamento né prenotazione
    .short = Altri
kind-payments = Pagamenti
    .short = Pagam.
kind-bookings = Prenotazioni
    .short = Prenot.
kind-unknown = Di tipo non riconosciuto
device-desktop = Desktop
device-smartphone = Smartphone
device-tablet = Tablet
device-bot = Bot
device-other = Altri
device-unknown = Non rilevato
device-no-agent = Senza browser dichiarato
device-people = Totale, bot esclusi
device-mobile = Smartphone e tablet
login-spid-1 = SPID livello 1
login-spid-2 = SPID livello 2
login-spid-3 = SPID livello 3
login-cie = Carta d’identità elettronica (CIE)
login-cns = Carta nazionale dei servizi (CNS)
login-password = Nome utente e password
login-none = Accesso libero (senza autenticazione)
band-night = Notte
band-office = Ufficio
band-evening = Sera
status-new = NUOVO
status-retired = DISATTIVATO
status-unused = NON UTILIZZATO
status-broken = CON MALFUNZIONAMENTI
place-italy = Italia
place-abroad = Estero
unregistered-enti = Enti non registrati ({ $enti })
cut-first = { $caption }. Prime { $shown } righe di { $rows }: il foglio di calcolo le contiene tutte.
cut-ranked =
    { $caption }. Le { $largest } righe maggiori e le { $smallest } minori di { $rows } per «{ $column }», e la somma
    delle altre: foglio di calcolo e CSV le contengono tutte.
cut-others = Altre righe ({ $rows })
cut-categories = Altre categorie ({ $categories })
slide-rest = Mostrati { $shown } su { $all }: il rapporto li riporta tutti in «{ $title }».
slide-last = Il rapporto contiene tutte le tabelle, le definizioni e i controlli sui dati.
cut-notes = Altre note nel foglio di calcolo: { $count }.

## Workbook

book-sheet = Foglio
book-content = Contenuto
book-rank = Posizione
code-ente = Codice ente
code-category = Codice categoria
code-service = Codice servizio

## Columns

column-total = Totale
column-kind = Tipo
column-category = Categoria
column-ente = Ente
column-service = Servizio
column-status = Stato
column-rank = { "" }
column-share = Quota
column-share-of = Quota { $compared }
column-change = Variazione
    .short = Var.
column-difference = Differenza
    .short = Diff.
column-uses = Utilizzi
column-failed = Tentativi non riusciti
    .short = Non riusciti
column-enti = Enti
column-visits = Accessi
column-visitors = Visitatori unici giornalieri
    .short = Visitat.
column-residents = Residenti
column-year = Anno
column-per-resident = Accessi per residente
    .short = Per resid.
column-uses-per-1000 = Utilizzi ogni 1.000 residenti
    .short = Ogni 1.000
column-portal-kind = Tipo di portale
column-civic-visitors = Visitatori della rete civica
    .short = Vis. rete
column-services-visitors = Visitatori dell’area servizi
    .short = Vis. servizi
column-civic-visits = Accessi alla rete civica
    .short = Acc. rete
column-device = Dispositivo
column-month = Mese
column-mobile = Smartphone e tablet
    .short = Da mobile
column-login = Modalità di accesso
column-place = Provenienza
column-band = Fascia
column-from-to = Orario
column-users-per-hour = Utenti per ora
    .short = Utenti/h
column-hours-in-year = Ore nel periodo
    .short = Ore
column-users-hours = Utenti (totale delle ore)
    .short = Totale
column-hour = Ora
column-users = Utenti
column-users-days = Utenti (totale dei giorni)
column-of-which-payments = di cui pagamenti
    .short =
        di cui
        pagam.
column-of-which-bookings = di cui prenotazioni
    .short =
        di cui
        prenot.
column-check = Controllo
column-result = Esito
column-seal = Chiusura
column-date = Data
column-cause = Motivo
column-figure = Cifra
column-before = Prima
column-restated = Rettificata
column-activated = Attivate nell’anno
column-of-which-cns = di cui CNS
column-cns-share = Quota CNS
column-opened = Richieste aperte
column-solved = Richieste risolte
column-available = Rilevata (%)
column-agreed = Attesa (SLA, %)
column-services = Servizi
column-term = Voce
column-definition = Definizione
column-unit = Unità

## Uses

totals = Utilizzi dei servizi
    .caption = Utilizzi dei servizi (numero di utilizzi)
categories = Utilizzi per categoria
    .caption = Utilizzi per categoria (numero di utilizzi)
categories-chart = Utilizzi per categoria (numero di utilizzi)
moves = Categorie in aumento e in calo
rising =
    .sheet = Categorie in aumento
    .caption =
        { $span ->
            [days] Categorie in aumento rispetto agli stessi giorni del { $compared } (numero di utilizzi)
            [part] Categorie in aumento rispetto allo stesso periodo del { $compared } (numero di utilizzi)
           *[year] Categorie in aumento sul { $compared } (numero di utilizzi)
        }
falling =
    .sheet = Categorie in calo
    .caption =
        { $span ->
            [days] Categorie in calo rispetto agli stessi giorni del { $compared } (numero di utilizzi)
            [part] Categorie in calo rispetto allo stesso periodo del { $compared } (numero di utilizzi)
           *[year] Categorie in calo sul { $compared } (numero di utilizzi)
        }
usage = Utilizzi per ente e categoria
    .sheet = Utilizzi per ente e categoria
    .caption = Utilizzi per ente e categoria (numero di utilizzi)
    .without = Enti senza utilizzi nel periodo: { $names }.
enti-without-uses =
    .sheet = Enti senza utilizzi
    .caption = Enti senza utilizzi nel periodo
enti-without-services =
    .sheet = Enti senza servizi
    .caption = Enti senza servizi
ente-changes =
    .sheet = Variazioni per ente
    .caption = Variazione degli utilizzi per ente (numero di utilizzi)
usage-by-kind = Utilizzi per ente, categoria e tipo
    .sheet = Utilizzi per ente e tipo
    .caption = Utilizzi per ente, categoria e tipo (numero di utilizzi)
offered = Servizi attivi al { $day }
    .sheet = Servizi attivi
    .caption = Servizi attivi per ente al { $day } (numero di servizi)
    .without = Enti senza servizi: { $names }.
offered-services =
    .caption = Servizi attivi al { $day }, con i loro utilizzi (numero di utilizzi)

## One public body among others

peers = Confronto con enti di dimensione simile
    .no-residents = Il registro non indica il numero dei residenti: il confronto con altri enti non è possibile.
    .none = Con { $residents } residenti, gli enti di dimensione simile (dalla metà al doppio dei residenti) sono meno di { $least }: il confronto non è possibile.
    .compared = Confronto tra i { $enti } enti dello stesso tipo che hanno da { $from } a { $to } residenti, cioè dalla metà al doppio dei { $residents } di questo ente, che è compreso.
peer-offers = Servizi attivi in altri enti
    .caption = Servizi attivi in altri enti e non in questo (numero di enti)
    .of-union = Almeno metà degli altri { $others } comuni dell’unione ({ $union }) offre i servizi che seguono, che questo ente non ha attivi.
    .of-size = Almeno metà degli altri { $others } enti di dimensione simile offre i servizi che seguono, che questo ente non ha attivi.
column-offered-by = Enti in cui è attivo
    .short = Enti
next-steps = Prossimi passi
step-silent = Nel periodo non è arrivato alcun dato: verificare che i portali inviino gli eventi.
step-names =
    { $more ->
        [one] { $names } e un altro
       *[other] { $names } e altri { $more }
    }
step-broken = Verificare il funzionamento dei servizi con molti tentativi non riusciti: { $names }.
step-unused =
    { $services ->
        [one] Un servizio attivo non è stato utilizzato ({ $names }): verificare che si trovi facilmente sul portale e farlo conoscere.
       *[other] { $services } servizi attivi non sono stati utilizzati ({ $names }): verificare che si trovino facilmente sul portale e farli conoscere.
    }
step-not-offered =
    { $services ->
        [one] Verificare nel registro un servizio utilizzato ma non attivo a fine periodo: { $names }.
       *[other] Verificare nel registro { $services } servizi utilizzati ma non attivi a fine periodo: { $names }.
    }
step-missing =
    { $services ->
        [one] Valutare l’attivazione di un servizio diffuso negli altri enti: { $names }.
       *[other] Valutare l’attivazione di { $services } servizi diffusi negli altri enti: { $names }.
    }

## Charts

chart-range = Valore massimo: { $first } ({ $first-label }). Valore minimo: { $last } ({ $last-label }).
chart-trend = All’inizio: { $first } ({ $first-label }). Alla fine: { $last } ({ $last-label }).
chart-hidden = Valori riservati (*): { $count }.
chart-missing = Valori mancanti: { $count }.
chart-table = Mostra le cifre in una tabella

weekday-1 = Lunedì
weekday-2 = Martedì
weekday-3 = Mercoledì
weekday-4 = Giovedì
weekday-5 = Venerdì
weekday-6 = Sabato
weekday-7 = Domenica
weekdays =
    .sheet = Giorni e ore
    .caption = Accessi per giorno della settimana e ora (numero)
column-weekday = Giorno della settimana
usage-map = Utilizzi per ente e categoria
usage-map-chart =
    { $shown ->
        [30] I 30 enti con più utilizzi tra { $enti } (numero di utilizzi)
       *[other] Utilizzi per ente e categoria (numero di utilizzi)
    }
category-months = Utilizzi per categoria e mese
    .caption = Utilizzi per categoria e mese (numero di utilizzi)
    .scales = Numero di utilizzi per mese nelle { $shown } categorie più utilizzate. Ogni grafico ha la propria scala: le categorie si confrontano per andamento, non per altezza.
moves-chart = Variazione degli utilizzi per categoria (numero di utilizzi)

## Short report of one public body

brief-offer =
    { $offered ->
        [0] L’ente non aveva servizi attivi al { $day }.
        [one] L’ente aveva { $offered } servizio attivo al { $day },
       *[other] L’ente aveva { $offered } servizi attivi al { $day },
    }{ $used ->
        [none] { "" }
        [0] { " " }ma nessuno è stato utilizzato nel periodo.
        [one] { " " }di cui { $used } utilizzato nel periodo.
       *[other] { " " }di cui { $used } utilizzati nel periodo.
    }
    .others =
        { $services ->
            [one] Un servizio dell’elenco non era attivo a quella data.
           *[other] { $services } servizi dell’elenco non erano attivi a quella data.
        }
brief-habits = Ore e dispositivi
brief-changes =
    .caption = Variazioni maggiori per servizio (numero di utilizzi)
brief-rest = Dati e approfondimenti
    .internal =
        { $more ->
            [0] Elenchi
            [one] Un altro rilievo sui dati, elenchi
           *[other] Altri { $more } rilievi sui dati, elenchi
        } completi, mesi, modalità di accesso e provenienza sono nel foglio di calcolo e nel CSV di questo ente; gli altri enti, i controlli e il metodo nel rapporto generale dello stesso periodo.
    .public = Gli altri enti, i grafici di tutti gli accessi e il metodo sono nel rapporto generale dello stesso anno.

## Services

variations = Principali variazioni per categoria
    .sheet = Principali variazioni
    .caption = Servizi con le variazioni maggiori, per categoria (numero di utilizzi)
    .caption-public = Servizi con le variazioni maggiori, tra quelli con cifre pubbliche in entrambi gli anni (numero di utilizzi)
service-changes = Variazioni di tutti i servizi
    .caption = Variazioni di tutti i servizi, per categoria (numero di utilizzi)
    .caption-public = Variazioni dei servizi con cifre pubbliche in entrambi gli anni (numero di utilizzi)
contributions = Variazioni per ente e servizio
    .sheet = Variazioni per ente e servizio
    .caption = Variazioni maggiori di un servizio in un ente (numero di utilizzi)
service-status = Servizi nuovi, disattivati, non utilizzati e con malfunzionamenti
    .sheet = Situazione dei servizi
    .caption = Situazione dei servizi nel periodo (numero di utilizzi e di tentativi non riusciti)
top-services = Servizi più utilizzati
    .caption = Servizi più utilizzati (numero di utilizzi)
    .caption-public = Servizi più utilizzati, tra quelli con cifre pubbliche (numero di utilizzi)

## Visits

accesses = Accessi, visitatori e utilizzi per ente
    .sheet = Accessi e visitatori per ente
    .caption = Accessi (numero), visitatori unici giornalieri (somma del periodo), utilizzi, utilizzi del periodo ogni 1.000 residenti
residents-source = Residenti: { $sources }. I residenti di un’unione sono la somma di quelli dei suoi comuni; il totale comprende i comuni dell’elenco e quelli membri di un’unione, ciascuno una volta, e non i residenti indicati per altri enti.
portals = Rete civica e area servizi
    .caption = Tipi di portale (numero di accessi)
portal-kind-civic = Rete civica
portal-kind-services = Area servizi
portal-kind-app = App
portal-kind-unknown = Tipo non indicato
civic-networks = Utenti della rete civica e dell’area servizi
    .caption = Visitatori unici giornalieri (somma del periodo), accessi alla rete civica (numero), accessi del periodo per residente
    .residents = I residenti nel totale sono quelli dei comuni con accessi alla rete civica e dei comuni membri delle unioni che ne hanno, ciascuno contato una volta.
civic-networks-chart = Accessi alla rete civica per residente
devices = Dispositivi
    .caption = Dispositivi (numero di accessi)
devices-services =
    .caption = Dispositivi per la navigazione dell’area servizi (numero di accessi)
devices-bots = Accessi di programmi automatici (bot): { $visits }, non compresi nei totali e nelle quote.
devices-no-agent = Accessi senza browser dichiarato: { $visits }, non compresi nei totali e nelle quote.
months = Mesi
    .caption = Accessi per mese, e quota di smartphone e tablet
    .caption-public = Accessi e utilizzi per mese (numero), quota di smartphone e tablet
months-chart = Quota di smartphone e tablet per mese (% degli accessi)
logins = Autenticazione degli utenti
    .caption = Utilizzi e accessi per modalità di accesso (numero)
places = Provenienza
    .caption = Provenienza (numero di accessi)
places-unknown =
    { $visits ->
        [one] Provenienza non rilevata: { $visits } accesso, escluso dal calcolo delle quote.
       *[other] Provenienza non rilevata: { $visits } accessi, esclusi dal calcolo delle quote.
    }

## Hours

bands = Fasce orarie
    .caption = Fasce orarie (media di utenti per ora)
    .off = Utenti fuori dall’orario di sportello: { $share }.
hours = Ore del giorno
    .caption = Ore del giorno (media di utenti per ora)
    .caption-public = Ore del giorno (numero di accessi)

## Other sources

not-available = Non disponibile.
source-named = Fonte: { $source }, { $date }. Dati caricati da { $by }. Licenza: { $licence }.
source-unnamed = Fonte: { $source }, { $date }. Licenza: { $licence }.
identity-credentials = Credenziali di identità digitale
    .sheet = Credenziali
credentials =
    .caption = Credenziali attivate per anno e attive in totale (numero)
    .total = Totale attive
credentials-chart = Credenziali attivate per anno (numero)
help-desk = Assistenza agli utenti
help-desk-requests =
    .caption = Richieste per mese (numero)
probe-alerts = Segnalazioni delle sonde di monitoraggio
    .sheet = Segnalazioni delle sonde
alerts =
    .caption = Segnalazioni per mese (numero)
alerts-chart = Segnalazioni per mese (numero)
availability = Disponibilità dei servizi
availability-months =
    .caption = Disponibilità per mese (% del tempo)
active-services = Servizi attivi per ente, dati di altra fonte
    .sheet = Servizi attivi, altra fonte
active-services-enti =
    .caption = Servizi attivi per ente, come indicati dalla fonte (numero di servizi)

# Units of numbers from other sources: $number is the number as text, $count selects the plural.
unit-percent = { $number }%
unit-ms = { $number } ms
unit-s = { $number } s
unit-min = { $number } min
unit-h = { $number } h
unit-working-h =
    { $count ->
        [one] { $number } ora lavorativa
       *[other] { $number } ore lavorative
    }
unit-d =
    { $count ->
        [one] { $number } giorno
       *[other] { $number } giorni
    }
unit-working-d =
    { $count ->
        [one] { $number } giorno lavorativo
       *[other] { $number } giorni lavorativi
    }
unit-months =
    { $count ->
        [one] { $number } mese
       *[other] { $number } mesi
    }

doubt-payments-above-total = { $of }: i pagamenti ({ $count }) superano il totale ({ $total }).
doubt-bookings-above-total = { $of }: le prenotazioni ({ $count }) superano il totale ({ $total }).
doubt-cns-above-total = { $of }: le CNS ({ $count }) superano il totale ({ $total }).
doubt-parts-above-total = { $of }: pagamenti e prenotazioni insieme ({ $count }) superano il totale ({ $total }).
doubt-sums = { $of }: le cifre sommate danno { $sum }, il totale indicato è { $total }.
doubt-growth = { $of }: da { $before } a { $now } la variazione è { $growth }, non { $said }.
doubt-unknown-ente = { $of }: non è nel registro.
doubt-register =
    { $said ->
        [one] { $of }: { $said } servizio secondo la fonte, { $registered } nel registro.
       *[other] { $of }: { $said } servizi secondo la fonte, { $registered } nel registro.
    }

## Quality

quality = Qualità dei dati
checks =
    .caption = Controlli sui dati
check-passed = superato
check-found =
    { $count ->
        [one] { $count } rilievo
       *[other] { $count } rilievi
    }
check-nothing = nessun rilievo
check-broken-service = { $service }: il servizio presenta malfunzionamenti.
check-data = Dati presenti per il periodo e per quello di confronto
check-parts = La somma delle parti coincide con il totale
check-sums = I totali calcolati per vie diverse coincidono
check-offered = Gli utilizzi riguardano solo servizi attivi
check-registered = Enti, servizi e categorie sono nel registro
check-silence = Nessun ente senza dati per più giorni consecutivi
check-level = Nessuna discontinuità dopo le modifiche alle regole di classificazione
check-broken = Nessun servizio con malfunzionamenti
check-sources = I dati di altre fonti non si contraddicono

note-no-data =
    { $calendar ->
        [month] Nessun dato per { period }.
       *[other] Nessun dato per il { period }.
    }
note-no-accesses = Nel periodo i portali hanno inviato utilizzi ma non accessi: il numero degli accessi non è noto.
note-no-data-to-compare = Nessun utilizzo registrato { in-compared }: le variazioni non sono definite.
note-kinds = La somma dei tipi non coincide con il totale: i tipi sommano { $sum }, gli utilizzi sono { $uses }.
note-unregistered-use =
    { $uses ->
        [one] { uses-counted } riguarda servizi o enti assenti dal registro.
       *[other] { uses-counted } riguardano servizi o enti assenti dal registro.
    }
note-unregistered-enti = Assenti dal registro: { enti-counted }, con { uses-counted }.
note-unknown-category = Nella categoria { $category }, assente dal registro: { uses-counted }.
note-services-not-offered =
    { $uses ->
        [one] { uses-counted } riguarda
       *[other] { uses-counted } riguardano
    } { $services ->
        [one] { $services } servizio che al { $day } non era attivo.
       *[other] { $services } servizi che al { $day } non erano attivi.
    }
note-categories-not-offered =
    { uses-counted }, in { enti-counted } ({ $pairs ->
        [one] { $pairs } coppia
       *[other] { $pairs } coppie
    } di ente e categoria), { $uses ->
        [one] rientra
       *[other] rientrano
    } in categorie nelle quali l’ente non aveva servizi attivi al { $day }.
note-uses-disagree = I totali non coincidono: { uses-counted } per ente, { $other } per servizio.
note-visits-disagree = I totali non coincidono: { visits-counted } per dispositivo, { $other } per fascia oraria.
note-users-disagree =
    { $users ->
        [one] I totali non coincidono: { $users } utente per fascia oraria, { $other } per ora del giorno.
       *[other] I totali non coincidono: { $users } utenti per fascia oraria, { $other } per ora del giorno.
    }
note-silent-days =
    { $days ->
        [one] { $ente }: nessun evento per { $days } giorno dal { $from }.
       *[other] { $ente }: nessun evento per { $days } giorni dal { $from }.
    }
note-level-shift = Dal { $from }, con le regole { $rules }, la quota di accessi { $device } passa dal { $before } al { $after }.
note-months-in-doubt = Le cifre di { $months } possono essere troppo basse o troppo alte: il confronto con gli eventi è in corso.
note-records-lost =
    { $records ->
        [one] Fino a { $records } registrazione persa prima del conteggio, possibile tra il { $from } e il { $to }: { $reason }.
       *[other] Fino a { $records } registrazioni perse prima del conteggio, possibili tra il { $from } e il { $to }: { $reason }.
    }

## Restatements

restatements = Rettifiche
    .caption = Chiusure dell’anno, dalla prima all’ultima (numero di utilizzi)
    .first = prima chiusura
moved =
    .sheet = Cifre rettificate
    .caption = Cifre rettificate (numero di utilizzi o di accessi)
    .total = Utilizzi, totale
    .category = Utilizzi, categoria { $name }
    .ente = Utilizzi, ente { $name }
    .device = Accessi, { $name }

## Method

method = Metodo
    .source = Le cifre vengono dagli eventi inviati dai portali, ciascuno contato una sola volta, nell’ora locale { $zone }. Nomi, categorie e servizi attivi vengono dal registro, versione { $version }. Nessun dato personale è conservato.
definitions =
    .caption = Definizioni e unità

term-use = Utilizzo di un servizio
    .text = Un’operazione completata in un servizio online. Le operazioni interrotte o non riuscite sono escluse dal conteggio.
    .unit = utilizzi
term-kinds = Pagamenti, prenotazioni, altri utilizzi
    .text = Ogni utilizzo è di un solo tipo: i tre tipi sommati danno il totale.
    .unit = utilizzi
term-visit = Accesso
    .text = La visita di una pagina o di un’area di un portale; le parti di una pagina, come le immagini, e le risposte di errore sono escluse dal conteggio.
    .unit = accessi
term-visitors = Visitatori unici giornalieri
    .text = I visitatori distinti di ciascun giorno in ciascun ente, sommati sui giorni del periodo. Nessuno è riconoscibile da un giorno all’altro o da un ente all’altro.
    .unit = visitatori
term-users-per-hour = Utenti per ora
    .text = I visitatori distinti di ciascuna ora, sommati sulle ore e divisi per le ore effettive del periodo, compresi i cambi di ora legale.
    .unit = utenti per ora
term-off-hours = Quota fuori dall’orario di sportello
    .text = Gli utenti sommati sulle ore di notte e di sera, rispetto a quelli di tutte le ore: ciascuna fascia pesa in proporzione alla sua durata.
    .unit = %
term-change = Variazione
    .text = La differenza rispetto agli stessi giorni dell’anno di confronto, in percentuale di quelli. Con meno di 30 utilizzi in quei giorni la variazione non è definita. Oltre il 200% è indicato anche il fattore: ×4,4 significa 4,4 volte la cifra di partenza.
    .unit = %
term-share = Quota
    .text = La parte in percentuale del totale, arrotondata: la somma delle quote può non dare 100%.
    .unit = %
term-offered = Servizi attivi
    .text = I servizi attivi nel registro l’ultimo giorno del periodo, contati una volta per ogni ente che li offre (dispiegamenti).
    .unit = servizi
term-per-resident = Accessi per residente
    .text = Gli accessi del periodo divisi per i residenti indicati nel registro, con l’anno della rilevazione.
    .unit = accessi per residente
term-new = NUOVO, DISATTIVATO
    .text = Servizio attivato per la prima volta nel periodo; servizio la cui ultima attivazione è cessata nel periodo.
term-unused = NON UTILIZZATO
    .text =
        { $span ->
            [year] Servizio attivo in tutto il periodo, utilizzato nell’anno di confronto, mai utilizzato né tentato in questo.
           *[other] Servizio attivo in tutto il periodo, utilizzato negli stessi giorni dell’anno di confronto, mai utilizzato né tentato in questi.
        }
term-broken = CON MALFUNZIONAMENTI
    .text =
        { $span ->
            [year] Servizio attivo a fine periodo, con più del { $percent } di tentativi non riusciti su almeno { $attempts }; oppure con almeno { $uses } utilizzi, l’ultimo entro settembre, mentre nell’anno di confronto era utilizzato anche dopo.
           *[other] Servizio attivo a fine periodo, con più del { $percent } di tentativi non riusciti su almeno { $attempts }; oppure, se il periodo supera ottobre, con almeno { $uses } utilizzi, l’ultimo entro settembre, mentre negli stessi giorni dell’anno di confronto era utilizzato anche dopo.
        }
term-device = Dispositivo
    .text = Tipo ricavato dal browser dichiarato (user agent). I programmi automatici (bot) e gli accessi senza browser dichiarato sono contati separatamente e non entrano nelle quote.
    .unit = accessi
term-login = Modalità di accesso
    .text = Il modo in cui la persona si è autenticata: SPID, CIE, CNS, password o accesso libero. La quota è sugli utilizzi.
    .unit = utilizzi, accessi
term-signs = n.d., non disponibile, –, *
    .text = Non definito (variazione o quota calcolata su meno di 30); dato che nessuna fonte ha fornito; zero; dato omesso perché riguarda troppo poche persone.

## Public edition

protection = Protezione dei dati
    .text =
        { $last ->
            [one] Il valore 1 potrebbe riferirsi a una singola persona: è omesso (*),
           *[other] I valori da 1 a { $last } potrebbero riferirsi a singole persone: sono omessi (*),
        } insieme a quelli da cui si potrebbero ricavare. Nelle tabelle pubblicate insieme le celle omesse sono { $hidden }, lo zero è sempre mostrato, e ogni valore calcolato su una cella omessa è omesso. Tentativi non riusciti, rettifiche e rilievi con cifre sono solo nell’edizione interna.

## Centre

contact = Contatti
contact-centre = A cura di { $text }
contact-address = Indirizzo: { $text }
contact-questions = Per informazioni: { $text }
contact-licence = Licenza: { $text }

## Open data

data-title = Uso dei servizi digitali degli enti
data-about = Quanto sono usati i servizi digitali degli enti, per anno. { $hidden }
data-hidden = I conteggi diversi da zero e inferiori a { $least }, e quelli dai quali si potrebbero ricavare, non sono pubblicati (status: suppressed).
data-keyword-services = servizi digitali
data-keyword-administration = pubblica amministrazione
data-keyword-uses = utilizzi
data-of-year = { $title }, { $year }
    .about = { $about } Anno { $year }. { $hidden }
data-csv = { $title } (CSV)
    .about = CSV, UTF-8, separato da virgole. Colonne: { $columns }.
sheet-utilizzi-per-categoria = Utilizzi dei servizi digitali per categoria e tipo
    .about = Utilizzi completati da persone, per categoria di servizio e tipo (semplice, pagamento, prenotazione).
sheet-utilizzi-per-ente = Utilizzi dei servizi digitali per ente e tipo
    .about = Utilizzi completati da persone, per ente (codice IPA) e tipo (semplice, pagamento, prenotazione).
sheet-utilizzi-per-ente-e-categoria = Utilizzi dei servizi digitali per ente, categoria e tipo
    .about = Utilizzi completati da persone, per ente (codice IPA), categoria di servizio e tipo.
sheet-utilizzi-per-servizio = Utilizzi dei servizi digitali per servizio
    .about = Utilizzi completati da persone, per servizio, in tutti gli enti.
sheet-utilizzi-per-mese = Utilizzi dei servizi digitali per mese ed ente
    .about = Utilizzi completati da persone, per mese (AAAA-MM) ed ente (codice IPA).
sheet-accessi-per-dispositivo = Accessi ai portali per mese e dispositivo
    .about = Accessi di persone alle pagine dei portali, per mese e classe di dispositivo.
sheet-accessi-per-tipo-di-portale = Accessi ai portali per tipo di portale, mese e dispositivo
    .about = Accessi di persone alle pagine della rete civica, dell’area servizi e delle app, per mese e classe di dispositivo.
sheet-accessi-per-giorno-e-ora = Accessi ai portali per giorno della settimana e ora
    .about = Accessi di persone alle pagine dei portali, per giorno della settimana (1 è lunedì) e ora locale.

## Web pages: their titles, and their names in the menu where shorter

page-overview = Panoramica
page-categories = Categorie di servizi
    .menu = Categorie
page-enti = Enti
page-services = Servizi
page-variations = Variazioni principali
    .menu = Variazioni
page-compare = Confronto
page-hours = Orari
page-devices = Dispositivi
page-live = In diretta
page-events = Eventi in diretta
    .menu = Eventi

## Web pages: the frame

web-tagline = l’uso dei servizi digitali degli enti
web-sections = Sezioni
web-controls = Periodo ed ente
web-no-script = Queste pagine disegnano i dati con JavaScript, che qui non è attivo. Gli stessi dati si ottengono dall’interfaccia /v1, descritta in /docs.

## Web pages: words

web-year = Anno
web-month = Mese
web-whole-year = tutto l’anno
web-ente = Ente
web-all-enti = tutti gli enti
web-total = Totale
web-uses = Utilizzi
web-plain = Semplici
web-payments = Pagamenti
web-bookings = Prenotazioni
web-accesses = Accessi
web-visits = Accessi alle pagine
web-share = Quota
web-share-in = Quota, { $year }
web-before = Nel { $year }
web-change = Variazione
    .text = La differenza rispetto al periodo di confronto, in percentuale di quello. Con meno di 30 nel periodo di confronto non è definita (n.d.).
web-difference = Differenza
web-category = Categoria
web-service = Servizio
web-service-and-ente = Servizio, ente
web-device = Dispositivo
web-hour = Ora
web-band = Fascia oraria
web-state = Stato
web-offered = Offerti
web-used = Utilizzati
web-instant = Ora
web-portal-kind = Tipo di portale
web-by-portal-kind = Accessi per tipo di portale
web-portal-kind-civic = Rete civica
web-portal-kind-services = Area servizi
web-portal-kind-app = App
web-portal-kind-unknown = Tipo non indicato
web-device-desktop = Computer
web-device-smartphone = Smartphone
web-device-tablet = Tablet
web-device-other = Altro
web-device-unknown = Non rilevato
web-device-no-agent = Senza browser dichiarato
web-device-bot = Robot
web-band-night = Notte, 0–8
web-band-office = Orario d’ufficio, 8–18
web-band-evening = Sera, 18–24
web-state-new = Nuovo
web-state-retired = Dismesso
web-state-unused = Non utilizzato
web-state-broken = Interrotto
web-state-unregistered = Non registrato
web-no-category = Senza categoria
web-unregistered = Non registrato
web-uses-in = Utilizzi dei servizi, { $period }
web-uses-by-month = Utilizzi dei servizi per mese
web-compared = rispetto al { $year }
web-by-category = Utilizzi per categoria
web-by-ente = Utilizzi per ente
web-top-services = Servizi più utilizzati
web-by-service = Utilizzi per servizio
web-by-kind = Utilizzi per tipo
web-kind = Tipo
web-matrix = Utilizzi per categoria e tipo: { $name }
web-devices-by-month = Quota degli accessi per dispositivo e mese
web-by-device = Accessi per dispositivo
web-heat = Accessi per giorno della settimana e ora
web-users-by-band = Utenti medi per ora
web-users-by-hour = Utenti medi per ora del giorno
web-mean-users = Utenti medi per ora
web-offered-used = Servizi offerti e utilizzati
web-compare-with = Confronta con
web-compared-title = { $year } e { $compared } a confronto
web-live-title = Ultimi 60 minuti, minuto per minuto
web-last-hour = nell’ultima ora
web-last-event = Ultimo evento
web-live-now = aggiornata ogni 10 secondi
web-events-now = l’esito di ogni evento, entro un secondo
web-events-last =
    { $count ->
        [one] Ultimo evento
       *[other] Ultimi { $count } eventi, dal più recente
    }
web-events-none = Nessun evento finora. Un evento inviato da un portale compare qui entro un secondo. Quello che il collettore rifiuta non arriva nel log: il motivo è nella risposta.
web-events-result = Esito
web-events-type = Evento
web-events-source = La sorgente inizia con
web-events-source-and-id = Sorgente e id
web-fate-accepted = Accettato
web-fate-warned = Accettato, con un avviso
web-fate-duplicate = Duplicato
web-fate-refused = Rifiutato
web-fate-report = Segnalazione
web-pause = Sospendi
web-resume = Riprendi
web-show-table = Mostra i dati in tabella
web-search = Cerca
web-none-found = Nessuna riga trovata.
web-show-more =
    { $count ->
        [one] Mostra altre righe: ne resta { $count }
       *[other] Mostra altre righe: ne restano { $count }
    }
web-mobile = { $share } da smartphone e tablet
web-secret = riservato
web-secret-note = ∗ Valore non pubblicato: un conteggio molto piccolo, o un altro dal quale lo si potrebbe ricavare.
web-nd = n.d.
web-not-defined = non definito
web-empty = Nessun dato per questo periodo.
web-loading = Caricamento in corso…
web-loaded = { $page }: dati aggiornati.
web-failed = I dati non sono disponibili.
web-retry = Riprova
web-foot = Sono contate le persone, non i robot. Nessun nome o indirizzo è conservato; chi legge senza chiave non riceve cookie.
web-interface = Interfaccia e documentazione
web-not-closed = { $period }: non ci sono dati pubblici.
web-closed-only = I dati di un anno o di un mese sono pubblici da quando il periodo viene chiuso; con una chiave si vedono anche prima.
web-newest-closed = Vai all’ultimo periodo chiuso: { $period }
web-needs-key = Questi dati non sono pubblici: serve una chiave di accesso.
web-key-enter = Inserisci la chiave
web-key = Chiave di accesso
web-key-help = Con la chiave si vedono i dati del proprio ente, senza valori riservati. Vale anche per le altre schede e dopo un riavvio, finché non si esce o la sessione scade. La chiave non viene salvata: resta un cookie tecnico che nessuno script può leggere.
web-key-use = Entra
web-key-forget = Esci
web-close = Chiudi
web-key-on = Accesso con chiave
web-key-refused = La chiave non è valida o non permette questi dati.
web-session-ended = La sessione è terminata. Inserisci di nuovo la chiave, oppure ricarica la pagina per i dati pubblici.
web-incomplete =
    { $days ->
        [one] Attenzione: in questo periodo mancano i dati di un giorno.
       *[other] Attenzione: in questo periodo mancano i dati di { $days } giorni.
    }

## Figures in other sites

embed-uses = utilizzi dei servizi digitali { embed-in }
embed-accesses = accessi ai portali { embed-in }
embed-in =
    { $month ->
        [none] nel { $year }
       *[other] in { $month } { $year }
    }
embed-source = Fonte: { $publisher }.
embed-more = Tutti i dati e le definizioni
embed-hidden = Riservato: un conteggio molto piccolo, o un altro dal quale lo si potrebbe ricavare.
embed-period = Dal { $from } al { $to }.
embed-resource-usage = Uso dei servizi digitali
embed-resource-categories = Utilizzi dei servizi digitali per categoria
embed-resource-enti = Utilizzi dei servizi digitali per ente
embed-resource-matrix = Utilizzi dei servizi digitali per ente e categoria
embed-resource-top-services = Servizi digitali più utilizzati
embed-resource-variations = Servizi digitali: variazioni principali
embed-resource-hours = Uso dei portali per ora del giorno
embed-resource-bands = Uso dei portali per fascia oraria
embed-resource-devices = Accessi ai portali per dispositivo
embed-column-ente = Ente
embed-column-category = Categoria
embed-column-service = Servizio
embed-column-kind = Tipo
embed-column-device = Dispositivo
embed-column-band = Fascia oraria
embed-column-hour = Ora
embed-column-weekday = Giorno
embed-column-month = Mese
embed-column-year = Anno
embed-column-service_uses = Utilizzi
embed-column-of_which_plain = Semplici
embed-column-of_which_payments = Pagamenti
embed-column-of_which_bookings = Prenotazioni
embed-column-accesses = Accessi
embed-column-users_per_hour_mean = Utenti medi per ora
embed-column-share_percent = Quota
embed-column-before = Nel periodo di confronto
embed-column-difference = Differenza
embed-column-change_percent = Variazione

## Web pages: the footer, and addresses without a page

web-open-data = Dati aperti
web-accessibility = Dichiarazione di accessibilità
web-privacy = Privacy
web-legal-notes = Note legali
web-no-page = Pagina non trovata
    .text = A questo indirizzo non c’è una pagina. Forse si cercava una di queste:

## Web pages: below the tables, and the date of the figures

web-sort = Ordina per questa colonna
web-definitions = Definizioni
web-download = Scarica:
web-download-xlsx = Excel
web-download-csv = CSV
web-download-csv-excel = CSV per Excel
web-download-image = Scarica il grafico come immagine
web-every-state = tutti gli stati
web-state-changed = Variato
web-until = dati fino al { $day }
web-closed = Dati dell’anno { $year }, chiusi il { $day }.
web-closed-month = Dati di { $year }, chiusi il { $day }.
web-as-of = Dati aggiornati al { $time }.

## Web pages: findings, and figures for the ente's own site

web-findings = In evidenza
web-findings-until = Sono contati i giorni interi fino al { $day }, confrontati con gli stessi giorni dell’anno prima.
web-embed = Questi dati sul proprio sito
web-embed-help = Un’immagine con il totale e una tabella, da copiare nella pagina. La guida per i redattori spiega le altre forme.
web-embed-alt = Utilizzi dei servizi digitali
web-preview = Anteprima dell’edizione pubblica
web-preview-help = Quanto sarebbe riservato se il periodo fosse chiuso ora. La scelta delle celle può essere diversa alla chiusura.
web-preview-state =
    { $state ->
        [waiting] Si calcola un’altra anteprima…
        [reading] Lettura dei dati…
       *[protecting] Protezione dei numeri piccoli…
    }
web-preview-none = Non è stata trovata una protezione dei numeri piccoli: la chiusura non pubblicherebbe nulla di nuovo.
web-preview-refused = L’anteprima richiede una chiave per tutti gli enti.
web-preview-tables = Celle delle tabelle pubbliche
web-preview-table = Dati per
web-preview-cells = Celle
web-preview-hidden = Di cui riservate
web-weekday = Giorno della settimana

## Errori dell'API
problem-bad-parameter = Un parametro non è valido
problem-unauthorized = È necessaria una chiave valida
problem-forbidden = La chiave non permette questa richiesta
problem-not-published = Non ne esiste un'edizione pubblica
problem-not-acceptable = Questo formato non esiste
problem-too-many-requests = Troppe richieste
problem-unavailable = Il servizio non può rispondere ora
problem-internal = Errore del servizio
problem-detail-parameter = Il parametro { $parameter } non è valido.
problem-detail-reason = Motivo, in inglese: { $reason }.
problem-detail-allowed = Valori possibili: { $allowed }.
problem-detail-range = Usare un numero intero da { $minimum } a { $maximum }.
problem-detail-suggestion = Forse si intende { $suggestion }.
problem-detail-key = Inviare una chiave nell'intestazione Authorization. Senza chiave sono disponibili gli anni e i mesi chiusi.
problem-detail-reach = La chiave non permette questa richiesta: usarne una che comprenda l'ente.
problem-detail-later = Attendere il tempo indicato da Retry-After e riprovare.
problem-detail-documented = La documentazione è alla pagina /docs.
