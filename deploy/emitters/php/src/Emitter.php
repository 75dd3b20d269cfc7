<?php

declare(strict_types=1);

namespace Affluenza;

/**
 * Reports the use of a portal to Affluenza. PHP 8.1 with allow_url_fopen, no extensions.
 *
 * An event is first a file in a spool folder, so that no page waits for the collector and no event is lost with the
 * process. `bin/affluenza-deliver` delivers the spool, from cron; with PHP-FPM, deliverAfterResponse() does, too.
 */
final class Emitter
{
    private const EVENT_BYTES_MAX = 64 * 1024;
    // Limits of a request are 1,000 events and 1 MiB.
    private const BATCH_EVENTS = 500;
    private const BATCH_BYTES = 900_000;

    /**
     * $url: the collector; $key: the portal's key; $source: this portal, as a URI; $spool: a folder for events that are
     * not delivered yet.
     */
    public function __construct(
        private readonly string $url,
        private readonly string $key,
        private readonly string $source,
        private readonly string $spool,
        private readonly int $spoolMax = 10_000,
        private readonly float $timeoutSeconds = 3.0,
    ) {
    }

    /** A page or area was visited. */
    public function access(array $data): ?string
    {
        return $this->emit('it.affluenza.access.v1', $data);
    }

    /** A service was used; $data['kind'] is "plain", "payment" or "booking". */
    public function serviceUse(array $data): ?string
    {
        return $this->emit('it.affluenza.service-use.v1', $data);
    }

    /** Puts an event into the spool and returns its id. Never throws for a full or missing disk: it logs an error and returns null. */
    public function emit(string $type, array $data): ?string
    {
        $id = self::uuid7();
        $body = json_encode([
            'specversion' => '1.0',
            'type' => $type,
            'source' => $this->source,
            'id' => $id,
            'time' => (new \DateTimeImmutable('now', new \DateTimeZone('UTC')))->format('Y-m-d\TH:i:s.v\Z'),
            'data' => $data,
        ], JSON_INVALID_UTF8_SUBSTITUTE | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE);
        if ($body === false) {
            return self::notSent($id, json_last_error_msg());
        }
        if (strlen($body) > self::EVENT_BYTES_MAX) {
            return self::notSent($id, 'it has ' . strlen($body) . ' bytes, at most ' . self::EVENT_BYTES_MAX . ' are allowed');
        }
        if (!is_dir($this->spool) && !@mkdir($this->spool, 0700, true) && !is_dir($this->spool)) {
            return self::notSent($id, "the folder {$this->spool} cannot be made");
        }
        if (count($this->files()) >= $this->spoolMax) {
            return self::notSent($id, "the spool {$this->spool} is full");
        }
        $draft = "{$this->spool}/$id.draft";
        if (@file_put_contents($draft, $body) !== strlen($body) || !@rename($draft, "{$this->spool}/$id.json")) {
            return self::notSent($id, "the spool {$this->spool} cannot be written");
        }
        return $id;
    }

    /** Delivers at the end of the request, after the visitor has the page. Without PHP-FPM, cron delivers. */
    public function deliverAfterResponse(): void
    {
        if (function_exists('fastcgi_finish_request')) {
            register_shutdown_function(function (): void {
                // The next page of the visitor need not wait for the session.
                if (session_status() === PHP_SESSION_ACTIVE) {
                    session_write_close();
                }
                fastcgi_finish_request();
                $lock = @fopen("{$this->spool}/lock", 'c');
                if ($lock && flock($lock, LOCK_EX | LOCK_NB)) {
                    $this->deliver();
                }
            });
        }
    }

    /** Sends what is in the spool, until a request fails. Copies count once, so several processes may deliver. */
    public function deliver(): Delivery
    {
        $done = new Delivery();
        while (($batch = $this->batch()) !== []) {
            [$status, $answer] = $this->post(implode("\n", $batch));
            $results = $answer['results'] ?? null;
            if (!is_array($results)) {
                $done->problem = $status === 0 ? 'no-answer' : "http-$status";
                break;
            }
            $refused = array_column(array_filter($results, fn ($result) => $result['status'] === 'refused'), null, 'index');
            foreach (array_keys($batch) as $at => $id) {
                if (isset($refused[$at])) {
                    $this->setAside($id, $refused[$at]);
                    $done->refused[] = ['id' => $id] + array_intersect_key($refused[$at], ['reason' => 1, 'pointer' => 1, 'detail' => 1]);
                } else {
                    @unlink("{$this->spool}/$id.json");
                    $done->accepted++;
                }
            }
            if ($refused !== []) {
                $this->dropOldRefused();
            }
            clearstatcache();
            foreach (array_keys($batch) as $id) {
                if (is_file("{$this->spool}/$id.json")) {
                    $done->problem = "the spool {$this->spool} cannot be written";
                    break 2;
                }
            }
        }
        $done->left = count($this->files());
        return $done;
    }

    /** @return list<string> names of the files, the oldest first */
    private function files(): array
    {
        $names = is_dir($this->spool) ? scandir($this->spool) : [];
        return array_values(array_filter($names ?: [], fn ($name) => str_ends_with($name, '.json')));
    }

    /** @return array<string, string> events by id */
    private function batch(): array
    {
        $batch = [];
        $size = 0;
        foreach (array_slice($this->files(), 0, self::BATCH_EVENTS) as $name) {
            $body = @file_get_contents("{$this->spool}/$name");
            if ($body === false) {
                continue; // Another process has delivered it.
            }
            // An event is one line. A power cut may leave a file without content.
            $body = trim(str_replace(["\r", "\n"], ' ', $body));
            if ($body === '') {
                @unlink("{$this->spool}/$name");
                continue;
            }
            $size += strlen($body) + 1;
            if ($size > self::BATCH_BYTES) {
                break;
            }
            $batch[basename($name, '.json')] = $body;
        }
        return $batch;
    }

    private function setAside(string $id, array $result): void
    {
        $detail = $result['detail'] ?? '';
        error_log("affluenza: the collector refused event $id: {$result['reason']} $detail");
        $folder = "{$this->spool}/refused";
        if (!is_dir($folder)) {
            @mkdir($folder, 0700);
        }
        @file_put_contents("$folder/$id.txt", "{$result['reason']}\n$detail\n");
        @rename("{$this->spool}/$id.json", "$folder/$id.json");
    }

    /** Keeps as many refused events as the spool may hold, the newest. */
    private function dropOldRefused(): void
    {
        $folder = "{$this->spool}/refused";
        $ids = array_unique(array_map(fn ($name) => pathinfo($name, PATHINFO_FILENAME), array_diff(@scandir($folder) ?: [], ['.', '..'])));
        rsort($ids, SORT_STRING);
        foreach (array_slice($ids, $this->spoolMax) as $id) {
            @unlink("$folder/$id.json");
            @unlink("$folder/$id.txt");
        }
    }

    /** @return array{int, ?array} status (0: no answer) and answer */
    private function post(string $body): array
    {
        $context = stream_context_create(['http' => [
            'method' => 'POST',
            'header' => ['Content-Type: application/x-ndjson', 'Authorization: Bearer ' . trim($this->key)],
            'content' => $body,
            'timeout' => $this->timeoutSeconds,
            'ignore_errors' => true,
            'follow_location' => 0,
        ]]);
        $stream = @fopen(rtrim($this->url, '/') . '/v1/events', 'r', false, $context);
        if ($stream === false) {
            error_log('affluenza: the collector does not answer: ' . (error_get_last()['message'] ?? ''));
            return [0, null];
        }
        $lines = stream_get_meta_data($stream)['wrapper_data'];
        $answer = json_decode(stream_get_contents($stream) ?: '', true);
        fclose($stream);
        return [(int) (explode(' ', $lines[0])[1] ?? 0), is_array($answer) ? $answer : null];
    }

    private static function notSent(string $id, string $cause): ?string
    {
        error_log("affluenza: event $id is not sent: $cause");
        return null;
    }

    /** A UUID that begins with the time, so that events sort by it. */
    private static function uuid7(): string
    {
        $bytes = substr(pack('J', (int) (microtime(true) * 1000)), 2) . random_bytes(10);
        $bytes[6] = chr(ord($bytes[6]) & 0x0f | 0x70);
        $bytes[8] = chr(ord($bytes[8]) & 0x3f | 0x80);
        return vsprintf('%s%s-%s-%s-%s-%s%s%s', str_split(bin2hex($bytes), 4));
    }
}
