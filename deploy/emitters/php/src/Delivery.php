<?php

declare(strict_types=1);

namespace Affluenza;

/** Result of a delivery. */
final class Delivery
{
    public int $accepted = 0;
    /** @var list<array{id: string, reason: string, pointer: string, detail: string}> */
    public array $refused = [];
    /** Events that are still in the spool. */
    public int $left = 0;
    /** Reason why events are left: `no-answer`, or `http-` and the status. */
    public ?string $problem = null;
}
