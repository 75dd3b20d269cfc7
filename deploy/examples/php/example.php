<?php

declare(strict_types=1);

require __DIR__ . '/affluenza.php';

$affluenza = new Affluenza(
    getenv('AFFLUENZA_URL'),
    getenv('AFFLUENZA_KEY'),
    'https://servizi.comune.example.it',
);

$id = $affluenza->serviceUse([
    'ente' => getenv('AFFLUENZA_ENTE') ?: 'c_d612',
    'portal' => getenv('AFFLUENZA_PORTAL') ?: 'servizi-online',
    'service' => 'pagamento-multe',
    'kind' => 'payment',
    'outcome' => 'completed',
    'login' => 'spid-2',
    'client' => ['ip' => '203.0.113.77', 'user_agent' => 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'],
]);
echo "sent $id\n";
