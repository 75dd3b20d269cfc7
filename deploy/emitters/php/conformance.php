<?php
// Runs the steps of conformance/cases.json: one JSON command a line on standard input, one result a line.

declare(strict_types=1);

require __DIR__ . '/autoload.php';

$emitter = new Affluenza\Emitter(
    getenv('AFFLUENZA_URL'),
    getenv('AFFLUENZA_KEY'),
    getenv('AFFLUENZA_SOURCE'),
    getenv('AFFLUENZA_SPOOL'),
    (int) getenv('AFFLUENZA_SPOOL_MAX'),
    (float) getenv('AFFLUENZA_TIMEOUT_SECONDS'),
);
while (($line = fgets(STDIN)) !== false) {
    $step = json_decode($line, true, flags: JSON_THROW_ON_ERROR);
    $result = $step['do'] === 'emit' ? ['id' => $emitter->emit($step['type'], $step['data'])] : $emitter->deliver();
    echo json_encode($result, JSON_THROW_ON_ERROR), "\n";
}
