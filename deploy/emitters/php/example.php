<?php
// Sends one event and prints what became of it.

declare(strict_types=1);

require getenv('AFFLUENZA_AUTOLOAD') ?: __DIR__ . '/autoload.php';

$emitter = new Affluenza\Emitter(
    url: getenv('AFFLUENZA_URL'),
    key: getenv('AFFLUENZA_KEY'),
    source: 'https://servizi.comune.example.it',
    spool: getenv('AFFLUENZA_SPOOL') ?: 'affluenza-spool',
);
// A page ends here. Cron delivers, or deliverAfterResponse().
$id = $emitter->serviceUse([
    'ente' => getenv('AFFLUENZA_ENTE') ?: 'c_d612',
    'portal' => getenv('AFFLUENZA_PORTAL') ?: 'servizi-online',
    'service' => getenv('AFFLUENZA_SERVICE') ?: 'pagamento-diritti-anagrafe',
    'kind' => getenv('AFFLUENZA_KIND') ?: 'payment',
    'login' => 'spid-2',
    'client' => ['ip' => '203.0.113.77', 'user_agent' => 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'],
]);
$done = $emitter->deliver();
foreach ($done->refused as $refused) {
    fwrite(STDERR, "refused {$refused['id']}: {$refused['reason']} {$refused['detail']}\n");
}
if ($done->refused !== [] || $done->left > 0) {
    fwrite(STDERR, "{$done->problem}\n");
    exit(1);
}
echo "sent $id\n";
