<?php
// Reports the use of a portal to Affluenza. PHP 8.1 with allow_url_fopen, no extensions.

declare(strict_types=1);

/** The collector refused the event; a retry would not help. */
final class AffluenzaRefused extends RuntimeException
{
    public function __construct(public readonly string $reason, string $detail = '')
    {
        parent::__construct("the collector refused the event: $reason" . ($detail === '' ? '' : " ($detail)"));
    }
}

final class Affluenza
{
    private const ATTEMPTS = 4;
    private const TIMEOUT_SECONDS = 3.0;

    /** $url: the collector; $key: the portal's key; $source: this portal, as a URI. */
    public function __construct(
        private readonly string $url,
        private readonly string $key,
        private readonly string $source,
    ) {
    }

    /** A page or area was visited. */
    public function access(array $data): string
    {
        return $this->emit('it.affluenza.access.v1', $data);
    }

    /** A service was used; $data['kind'] is "plain", "payment" or "booking". */
    public function serviceUse(array $data): string
    {
        return $this->emit('it.affluenza.service-use.v1', $data);
    }

    /** Sends one event and returns its id. With PHP-FPM, call fastcgi_finish_request() first. */
    public function emit(string $type, array $data): string
    {
        $id = self::uuid7();
        // Every attempt sends the same body: the same source and id count once.
        $body = json_encode([
            'specversion' => '1.0',
            'type' => $type,
            'source' => $this->source,
            'id' => $id,
            'time' => gmdate('Y-m-d\TH:i:s\Z'),
            'data' => $data,
        ], JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE);
        for ($attempt = 1; ; $attempt++) {
            [$status, $headers, $answer] = $this->post($body);
            if ($status === 202) {
                foreach ($answer['results'] ?? [] as $result) {
                    if ($result['status'] === 'refused') {
                        throw new AffluenzaRefused($result['reason'], $result['detail'] ?? '');
                    }
                }
                return $id;
            }
            // No answer, 429 or a server error: retry. Any other status means that the request is wrong.
            if ($status !== 0 && $status !== 429 && $status < 500) {
                throw new AffluenzaRefused("http-$status", $answer['detail'] ?? $answer['title'] ?? '');
            }
            if ($attempt === self::ATTEMPTS) {
                throw new RuntimeException($status === 0 ? 'the collector does not answer' : "the collector answered $status");
            }
            $pause = 0.2 * 2 ** $attempt * random_int(500, 1000) / 1000;
            usleep((int) (1e6 * min(5, (float) ($headers['retry-after'] ?? $pause))));
        }
    }

    /** @return array{int, array<string, string>, array} status (0: no answer), headers, answer */
    private function post(string $body): array
    {
        $context = stream_context_create(['http' => [
            'method' => 'POST',
            'header' => [
                'Content-Type: application/cloudevents+json',
                "Authorization: Bearer {$this->key}",
            ],
            'content' => $body,
            'timeout' => self::TIMEOUT_SECONDS,
            'ignore_errors' => true,
            'follow_location' => 0,
        ]]);
        $stream = @fopen(rtrim($this->url, '/') . '/v1/events', 'r', false, $context);
        if ($stream === false) {
            return [0, [], []];
        }
        $lines = stream_get_meta_data($stream)['wrapper_data'];
        $text = stream_get_contents($stream);
        fclose($stream);
        $headers = [];
        foreach (array_slice($lines, 1) as $line) {
            [$name, $value] = array_pad(explode(':', $line, 2), 2, '');
            $headers[strtolower($name)] = trim($value);
        }
        return [(int) (explode(' ', $lines[0])[1] ?? 0), $headers, json_decode($text ?: '', true) ?? []];
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
